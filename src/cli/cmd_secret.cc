// secret set, list, remove, rotate-key.
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/ask_secret.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"

namespace vesto::cli {

namespace {

constexpr const char* kKeepACopy =
    "Keep a copy of it in another place: without it the secrets are lost.";

// One that somebody has named and that is not there is a slip of the pen.
Status check_data_dir(const Context& context) {
  const std::string& dir = context.options.data_dir;
  std::error_code failed;
  if (dir.empty() || std::filesystem::exists(dir, failed) || failed) return ok_status();
  return Error(ErrorCode::kSysStore, fmt::format("there is no data directory {}", dir))
      .with_hint("Correct --data or VESTO_DATA; vesto secret set makes the directory.");
}

bool says_nothing(const Context& context) { return context.options.quiet && !context.options.json; }

}  // namespace

int cmd_secret_set(const Context& context) {
  const std::string& name = context.options.name;
  // Before anything is asked for. The name may be the value, put in the wrong place: not repeated.
  if (!good_secret_name(name)) {
    return fail(context, Error(ErrorCode::kUsage, "this cannot be the name of a secret")
                             .with_hint(fmt::format("A name is {}.", kSecretNameRule)));
  }
  const Result<Secret> value = ask_secret(context.options.from_file, name);
  if (!value.ok()) return fail(context, value.error());
  SealedStore store = sealed_store(context);
  const Result<SecretChange> change = store.set(name, *value);
  if (!change.ok()) return fail(context, change.error());
  if (context.options.json) {
    write_out(fmt::format(
        R"({{"schema":"vesto.secret-set/1","name":{},"replaced":{},"made_key":{},"key_file":{}}})"
        "\n",
        json_quote(name), change->replaced, change->made_key, json_quote(store.key_file())));
  } else if (!says_nothing(context)) {
    std::string out = fmt::format("{} {} {}.\n", shape(context.terminal, Shape::kDone), name,
                                  change->replaced ? "has a new value" : "is set");
    if (change->made_key) {
      out += fmt::format("Made {} (mode 0600). {}\n", store.key_file(), kKeepACopy);
    }
    out += fmt::format(
        "Next:  {{ secret = \"{}\" }} in the configuration, then  "
        "vesto config check\n",
        name);
    write_out(out);
  }
  return kExitOk;
}

int cmd_secret_list(const Context& context) {
  if (const Status there = check_data_dir(context); !there.ok()) {
    return fail(context, there.error());
  }
  const Result<SecretList> list = sealed_store(context).list();
  if (!list.ok()) return fail(context, list.error());
  if (context.options.json) {
    std::vector<std::string> secrets;
    for (const SecretInfo& secret : list->secrets) {
      secrets.push_back(
          fmt::format(R"({{"name":{},"created_at":{},"changed_at":{},"key":{}}})",
                      json_quote(secret.name), json_quote(format_utc(secret.created_ms)),
                      json_quote(format_utc(secret.changed_ms)), json_quote(list->key_id)));
    }
    write_out(
        fmt::format(R"({{"schema":"vesto.secret-list/1","secrets":[{}]}})", join(secrets, ",")) +
        "\n");
    return kExitOk;
  }
  if (list->secrets.empty()) {
    write_out("There are no secrets.\nNext:  vesto secret set NAME\n");
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {{"SECRET", "CREATED", "CHANGED", "KEY"}};
  for (const SecretInfo& secret : list->secrets) {
    rows.push_back({secret.name, format_utc_seconds(secret.created_ms),
                    format_utc_seconds(secret.changed_ms), list->key_id});
  }
  write_out(table_text(rows));
  return kExitOk;
}

int cmd_secret_remove(const Context& context) {
  const std::string& name = context.options.name;
  Status done = check_data_dir(context);
  if (done.ok()) done = sealed_store(context).remove(name);
  if (!done.ok()) return fail(context, done.error());
  if (context.options.json) {
    write_out(fmt::format(R"({{"schema":"vesto.secret-remove/1","name":{}}})", json_quote(name)) +
              "\n");
  } else if (!says_nothing(context)) {
    write_out(fmt::format("{} {} is removed.\n", shape(context.terminal, Shape::kDone), name));
  }
  return kExitOk;
}

int cmd_secret_rotate_key(const Context& context) {
  if (const Status there = check_data_dir(context); !there.ok()) {
    return fail(context, there.error());
  }
  SealedStore store = sealed_store(context);
  const Result<KeyRotation> rotation = store.rotate_key();
  if (!rotation.ok()) return fail(context, rotation.error());
  if (context.options.json) {
    write_out(fmt::format(
        R"({{"schema":"vesto.secret-rotate-key/1","old_key":{},"key":{},"secrets":{},"key_file":{}}})"
        "\n",
        json_quote(rotation->old_key_id), json_quote(rotation->new_key_id), rotation->secrets,
        json_quote(store.key_file())));
  } else if (!says_nothing(context)) {
    write_out(
        fmt::format("{} {} sealed anew with key {} (before: {}).\n"
                    "{} holds the new key. {}\n",
                    shape(context.terminal, Shape::kDone),
                    count_text(static_cast<int64_t>(rotation->secrets), "secret"),
                    rotation->new_key_id, rotation->old_key_id, store.key_file(), kKeepACopy));
  }
  return kExitOk;
}

}  // namespace vesto::cli
