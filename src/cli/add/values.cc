// How single values of `destination add` are understood.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "address/access_key.h"
#include "address/arn.h"
#include "address/aws_partition.h"
#include "address/ssh_fingerprint.h"
#include "address/warehouse_host.h"
#include "base/strings.h"
#include "cli/add/answers.h"
#include "cli/add/bucket.h"
#include "encode/utf8.h"
#include "secret/sealed_store.h"

namespace vesto::cli {

namespace {

constexpr size_t kMaxNameBytes = 127;  // of databases and schemas

Error wrong(const AddFlag& flag, std::string_view what, std::string hint = "") {
  Error error(ErrorCode::kCfgValue, fmt::format("--{} {}", flag.name, what));
  if (!hint.empty()) error.with_hint(std::move(hint));
  return error;
}

std::string shown(const std::string& text) { return printable(cut_utf8(text, 100), false); }

// What no value may hold, whatever it is: it could not be shown as it is. "" where all is well.
std::string odd_bytes(const std::string& text) {
  if (text.empty()) return "is empty";
  if (text.size() > kMaxAnswerBytes) return "is longer than 4,096 bytes";
  if (!is_utf8(text)) return "is no UTF-8";
  if (printable(text, false) != text) return "holds a line break or another control character";
  return "";
}

Error no_choice(const AddFlag& flag, const std::string& text,
                const std::vector<std::string>& choices) {
  const auto better = nearest(text, choices);
  return wrong(flag, fmt::format("takes {}, not \"{}\"{}", join(choices, ", "), shown(text),
                                 better ? fmt::format("; did you mean {}?", *better) : ""));
}

std::optional<bool> yes_or_no(const std::string& text) {
  const std::string lower = to_lower_ascii(text);
  for (const char* word : {"yes", "y", "true"}) {
    if (lower == word) return true;
  }
  for (const char* word : {"no", "n", "false"}) {
    if (lower == word) return false;
  }
  return std::nullopt;
}

// "redshift" or "redshift-serverless"; "" if it is neither.
std::string kind_of_word(const std::string& text) {
  const std::string lower = to_lower_ascii(text);
  for (const char* word : {"redshift", "provisioned", "cluster", "1"}) {
    if (lower == word) return "redshift";
  }
  for (const char* word : {"redshift-serverless", "serverless", "workgroup", "2"}) {
    if (lower == word) return "redshift-serverless";
  }
  return "";
}

std::string role_text(const std::string& arn) {
  return fmt::format("Understood: role {} of account {}.", role_name_of_arn(arn),
                     account_of_arn(arn));
}

bool is_warehouse_name(const std::string& text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

Result<std::string> good_schema(const AddFlag& flag, const std::string& text) {
  std::string folded = to_lower_ascii(text);
  if (folded.size() > kMaxNameBytes) return wrong(flag, "is longer than 127 bytes");
  if (folded.starts_with("pg_") || folded == "information_schema") {
    return wrong(flag, fmt::format("\"{}\" belongs to the system", shown(folded)),
                 "Choose another name.");
  }
  return folded;
}

// Not shown again, as it may be the secret.
Status no_secret_as_key_id(const AddFlag& flag, const std::string& text) {
  if (!looks_like_secret_key(text)) return ok_status();
  return Error(ErrorCode::kCfgSecretPlain,
               fmt::format("--{} got what looks like the secret of a key", flag.name))
      .with_hint(
          "An id looks like AKIAIOSFODNN7EXAMPLE. The secret goes where nobody sees it: "
          "vesto secret set NAME, and --secret-access-key-secret NAME. Your shell may have "
          "kept this line.");
}

}  // namespace

Result<std::string> Answers::take(const AddFlag& flag, const std::string& given) {
  Settings before = settings_;
  std::vector<std::string> notes_before = notes_;
  auto fresh_before = fresh_;
  Result<std::string> understood = understand(flag, given);
  if (understood.ok()) {
    fresh_.emplace(flag.setting);
    drop_misfits();
    const Status agreed = agree();
    if (agreed.ok()) return understood;
    understood = agreed.error();
  }
  settings_ = std::move(before);
  notes_ = std::move(notes_before);
  fresh_ = std::move(fresh_before);
  return understood;
}

Result<std::string> Answers::understand(const AddFlag& flag, const std::string& given) {
  // Pasted endpoints have line breaks inside; their parser knows what to do with them.
  const std::string text(trim(given));
  if (flag.name == "external-id" && text == "none") {
    drop("auth.external_id");
    put("draft.no_external_id", boolean_value(true));
    return std::string();
  }
  if (text == kNoneYet && (flag.value == AddValue::kEndpoint || flag.value == AddValue::kKeyId)) {
    return take_none(flag);
  }
  if (flag.value == AddValue::kEndpoint) {
    auto taken = take_endpoint(given);
    if (!taken.ok()) {
      return Error(taken.error().code(), "--endpoint: " + taken.error().message())
          .with_hint(taken.error().hint());
    }
    return taken;
  }
  if (const std::string odd = odd_bytes(text); !odd.empty()) return wrong(flag, odd);
  switch (flag.value) {
    case AddValue::kKind:
    case AddValue::kDatabase:
    case AddValue::kRegion:
    case AddValue::kWarehouse:
    case AddValue::kAccount:
    case AddValue::kHost:
      return take_warehouse_value(flag, text);
    case AddValue::kBucket: {
      auto taken = take_bucket(text);
      if (!taken.ok()) {
        return Error(taken.error().code(), "--bucket: " + taken.error().message())
            .with_hint(taken.error().hint());
      }
      return taken;
    }
    case AddValue::kSealed:
      if (!good_secret_name(text)) {
        // It may be the secret itself, put in the wrong place: not repeated.
        return wrong(
            flag, "cannot be the name of a secret",
            fmt::format("A name is {}; vesto secret set NAME seals a value.", kSecretNameRule));
      }
      set_reference(flag.setting, "secret", text);
      return std::string();
    case AddValue::kVariable:
      set_reference(flag.setting, "env", text);
      return std::string();
    case AddValue::kFile:
      set_reference(flag.setting, "file", path_for_config(text, ""));
      return std::string();
    default:
      return take_plain(flag, text);
  }
}

// What the kit makes, and what is known only then.
Result<std::string> Answers::take_none(const AddFlag& flag) {
  if (flag.value == AddValue::kEndpoint) {
    for (const char* told : {"draft.host", "draft.port"}) drop(told);
    return std::string();
  }
  if (has("auth.identity") && identity() != "access_key" && !is_old("auth.identity")) {
    return wrong(flag, fmt::format("is for the identity access_key, not {}", identity()),
                 "Leave one of the two out.");
  }
  set_text("auth.identity", "access_key");
  drop(flag.setting);
  return std::string();
}

Result<std::string> Answers::take_warehouse_value(const AddFlag& flag, const std::string& text) {
  const WarehouseHost host = parse_warehouse_host(this->text("draft.host"));
  switch (flag.value) {
    case AddValue::kKind: {
      const std::string kind = kind_of_word(text);
      if (kind.empty()) return no_choice(flag, text, {"redshift", "redshift-serverless"});
      if (host.known() && host.serverless != (kind == "redshift-serverless")) {
        return wrong(flag, host.serverless
                               ? "says redshift, but the endpoint is that of a Serverless workgroup"
                               : "says redshift-serverless, but the endpoint is that of a "
                                 "provisioned cluster");
      }
      set_text(flag.setting, kind);
      return std::string();
    }
    case AddValue::kDatabase:
      if (text.size() > kMaxNameBytes) return wrong(flag, "is longer than 127 bytes");
      set_text(flag.setting, text);
      return std::string();
    case AddValue::kRegion: {
      const std::string region = to_lower_ascii(text);
      if (!is_region_name(region)) {
        return wrong(flag, fmt::format("\"{}\" is no region", shown(text)),
                     "Write it like eu-west-1.");
      }
      set_text(flag.setting, region);
      return std::string();
    }
    case AddValue::kWarehouse: {
      const std::string name = to_lower_ascii(text);
      if (!is_warehouse_name(name)) {
        return wrong(flag, "is no cluster identifier or name of a workgroup",
                     "They have up to 64 letters, digits and dashes.");
      }
      set_text(flag.setting, name);
      return std::string();
    }
    case AddValue::kAccount: {
      const std::string digits = replace_all(text, "-", "");
      if (!is_account_id(digits)) {
        return wrong(flag, "is no AWS account", "An account has 12 digits.");
      }
      set_text(flag.setting, digits);
      return std::string();
    }
    default:
      return take_host(flag, text);
  }
}

Result<std::string> Answers::take_host(const AddFlag& flag, const std::string& text) {
  const auto parsed = parse_warehouse_endpoint(text);
  if (!parsed.ok() || parsed->host.empty() || !parsed->database.empty()) {
    return wrong(flag, "is no host name", "Write HOST or HOST:PORT.");
  }
  set_text("draft.host", parsed->host);
  if (parsed->port_given || !has("draft.port")) put("draft.port", integer_value(parsed->port));
  return std::string();
}

Result<std::string> Answers::take_typed(const AddFlag& flag, const std::string& text) {
  if (flag.value == AddValue::kPort) {
    const auto port = parse_int(text);
    if (!port || *port < 1 || *port > 65535) return wrong(flag, "is no port: 1 to 65535");
    put(flag.setting, integer_value(*port));
    return std::string();
  }
  const std::optional<bool> yes = yes_or_no(text);
  if (!yes) return wrong(flag, "takes yes or no");
  put(flag.setting, boolean_value(*yes));
  return std::string();
}

Result<std::string> Answers::take_plain(const AddFlag& flag, const std::string& text) {
  const auto choice = [&](const std::vector<std::string>& choices) -> Status {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return no_choice(flag, text, choices);
    }
    return ok_status();
  };
  switch (flag.value) {
    case AddValue::kIdentity:
      VESTO_TRY(choice({"google", "aws", "access_key"}));
      break;
    case AddValue::kCopy:
      VESTO_TRY(choice({"session_keys", "static_keys", "attached_role"}));
      break;
    case AddValue::kPort:
    case AddValue::kYesNo:
      return take_typed(flag, text);
    case AddValue::kFingerprint:
      if (!is_ssh_fingerprint(text)) {
        return wrong(flag, "is no fingerprint of a key",
                     "Write it as ssh-keygen -l prints it: SHA256: and 43 letters and digits.");
      }
      break;
    case AddValue::kKeyId:
      VESTO_TRY(no_secret_as_key_id(flag, text));
      break;
    case AddValue::kRole:
    case AddValue::kRoleOrDefault:
      if (flag.value == AddValue::kRoleOrDefault && text == "default") break;
      if (!is_role_arn(text)) {
        return wrong(flag, fmt::format("\"{}\" is no ARN of a role", shown(text)),
                     "Copy it from the role's page: arn:aws:iam::123456789012:role/NAME.");
      }
      set_text(flag.setting, text);
      return role_text(text);
    case AddValue::kKmsKey:
      if (const std::string_view fault = kms_key_fault(text); !fault.empty()) {
        return wrong(flag, std::string(fault), "It looks like arn:aws:kms:REGION:ACCOUNT:key/ID.");
      }
      break;
    case AddValue::kPrefix: {
      auto prefix = parse_prefix(text);
      if (!prefix.ok()) return wrong(flag, prefix.error().message(), prefix.error().hint());
      set_text(flag.setting, *prefix);
      return *prefix == text ? std::string() : fmt::format("Understood: {}.", *prefix);
    }
    case AddValue::kSchema: {
      VESTO_ASSIGN(const std::string schema, good_schema(flag, text));
      set_text(flag.setting, schema);
      return schema == text ? std::string() : fmt::format("Understood: {}.", schema);
    }
    default:
      break;
  }
  set_text(flag.setting, text);
  return std::string();
}

}  // namespace vesto::cli
