#include "cli/add/questions.h"

#include <fmt/format.h>

#include <algorithm>

#include "address/arn.h"
#include "base/hash.h"
#include "base/strings.h"
#include "cli/ask_secret.h"
#include "cli/terminal.h"
#include "sync/tunnel.h"

namespace vesto::cli {

namespace {

constexpr int kMaxSameNames = 99;  // of sealed secrets; then the last one is written over

// "acme/password": names of secrets have no capitals, names of destinations may.
std::string secret_name(const std::string& destination, std::string_view what) {
  std::string lower = to_lower_ascii(destination);
  if (lower != destination) lower += "." + sha256_hex(destination).substr(0, 8);
  return fmt::format("{}/{}", lower, what);
}

class Wizard {
 public:
  Wizard(const Questioning& what, Dialogue* dialogue)
      : what_(what), answers_(*what.answers), dialogue_(*dialogue) {}

  bool run() {
    if (!warehouse() || !network() || !identity() || !bucket() || !schema()) return false;
    if (no_key_) dialogue_.leave();  // the kit makes it; known only then, it ends with a draft
    return !no_key_;
  }

 private:
  using Question = Dialogue::Question;

  bool save() {
    const Status saved = what_.save();
    if (saved.ok()) return true;
    dialogue_.fail(saved.error());
    return false;
  }

  // Unless it is known.
  bool ask(std::string_view flag_name, Question question) {
    const AddFlag& flag = *find_add_flag(flag_name);
    if (answers_.has(flag.setting)) return true;
    const size_t notes = answers_.taken_notes().size();
    const bool asked =
        dialogue_.ask(question, [&](const std::string& text) { return answers_.take(flag, text); });
    if (!asked) return false;
    for (size_t i = notes; i < answers_.taken_notes().size(); ++i) {
      dialogue_.say(answers_.taken_notes()[i]);
    }
    return save();
  }

  bool warehouse() {
    dialogue_.section("Warehouse");
    if (!answers_.has("draft.host")) {
      const AddFlag& flag = *find_add_flag("endpoint");
      const char* prompt =
          "Endpoint (paste it as it is; none: there is no warehouse yet; later: leave it as a "
          "draft)";
      const size_t notes = answers_.notes().size();
      bool none = false;
      const auto take = [&](const std::string& text) -> Result<std::string> {
        none = text == "none";
        return none ? Result<std::string>(std::string()) : answers_.take(flag, text);
      };
      if (!dialogue_.ask({.prompt = prompt}, take) || !save()) return false;
      if (none) return no_warehouse();
      const std::vector<std::string> now = answers_.notes();
      for (size_t i = notes; i < now.size(); ++i) dialogue_.say(now[i]);
      // An ARN or a page of the console names no host.
      if (!answers_.has("draft.host")) {
        if (!ask("host", {.prompt = "Host name to dial"})) return false;
      }
    }
    if (!ask("kind", {.prompt = "Provisioned cluster or Serverless workgroup "
                                "(redshift, redshift-serverless)"})) {
      return false;
    }
    if (!ask("database", {.prompt = "Database", .fallback = "dev"})) return false;
    const bool serverless = answers_.text("kind") == "redshift-serverless";
    if (answers_.method() == "password") return true;
    return ask("region", {.prompt = "AWS region of the warehouse"}) &&
           ask("warehouse",
               {.prompt = serverless ? "Name of the workgroup" : "Identifier of the cluster"});
  }

  // What the kit makes one of; the endpoint is known only then, so that this ends with a draft.
  bool no_warehouse() {
    if (ask("kind", {.prompt = "Make a provisioned cluster or a Serverless workgroup (redshift, "
                               "redshift-serverless)",
                     .fallback = "redshift-serverless"}) &&
        ask("region", {.prompt = "AWS region"}) &&
        ask("warehouse", {.prompt = "Its name", .fallback = answers_.usual_warehouse()}) &&
        ask("database", {.prompt = "Database", .fallback = "dev"}) && network()) {
      dialogue_.leave();
    }
    return false;
  }

  bool network() {
    dialogue_.section("Network");
    if (!answers_.has("ssh.host")) {
      if (answers_.goes_directly()) return true;  // said before the draft was left
      bool tunnel = false;
      const bool asked = dialogue_.ask(
          {.prompt = "Directly, or through an SSH server (direct, ssh)", .fallback = "direct"},
          [&](const std::string& text) -> Result<std::string> {
            tunnel = text == "ssh" || text == "tunnel";
            if (tunnel || text == "direct") return std::string();
            return Error(ErrorCode::kCfgValue, "Answer direct or ssh");
          });
      if (!asked) return false;
      if (!tunnel) {
        answers_.go_directly();
        return save() && direct();
      }
    }
    if (!ask("ssh-host", {.prompt = "SSH server"}) ||
        !ask("ssh-port", {.prompt = "Its port", .fallback = "22"}) ||
        !ask("ssh-user", {.prompt = "User there"}) ||
        !ask("ssh-host-key", {.prompt = "Fingerprint of its key, SHA256:... (empty: the test shows "
                                        "it, to be compared)",
                              .may_be_empty = true})) {
      return false;
    }
    return show_key();
  }

  bool direct() {
    const std::vector<std::string>& egress = what_.config->public_egress;
    dialogue_.say(egress.empty()
                      ? "The warehouse must let us in. Ask the operator of this service for its "
                        "public address (server.public_egress)."
                      : "The warehouse must let in: " + join(egress, ", "));
    return true;
  }

  bool show_key() {
    if (answers_.has("ssh.key")) return true;
    const Result<std::string> line = tunnel_line(*what_.context, *what_.config, answers_);
    if (!line.ok()) {
      dialogue_.fail(line.error());
      return false;
    }
    dialogue_.say(fmt::format("One line for ~{}/.ssh/authorized_keys on {}:",
                              answers_.text("ssh.user"), answers_.text("ssh.host")));
    write_err(*line + "\n");
    return true;
  }

  bool identity() {
    dialogue_.section("Identity");
    if (!answers_.has("auth.method") && !answers_.has("auth.user") &&
        !answers_.has("auth.role_arn")) {
      const bool asked = dialogue_.ask(
          {.prompt = "Log in by an IAM role (recommended) or by password (role, password)",
           .fallback = "role"},
          [&](const std::string& text) -> Result<std::string> {
            if (text != "role" && text != "iam_role" && text != "password") {
              return Error(ErrorCode::kCfgValue, "Answer role or password");
            }
            answers_.set_text("auth.method", text == "password" ? "password" : "iam_role");
            return std::string();
          });
      if (!asked || !save()) return false;
    }
    const bool by_password = answers_.method() == "password";
    if (by_password &&
        (!ask("user", {.prompt = "Database user"}) || !seal("password", "auth.password"))) {
      return false;
    }
    if (!answers_.has("auth.access_key_id") &&
        !ask("identity", {.prompt = "Who asks AWS (google, aws, access_key)",
                          .fallback = by_password ? "access_key" : "google"})) {
      return false;
    }
    return aws_identity(by_password);
  }

  bool aws_identity(bool by_password) {
    const std::string who = answers_.identity();
    if (who == "access_key" && !access_key()) return false;
    if (!role(who)) return false;
    if (who == "google") {
      if (!ask("audience",
               {.prompt = "Audience of the trust policy", .fallback = answers_.fresh_audience()})) {
        return false;
      }
    } else if (answers_.has("auth.role_arn") && !answers_.without_external_id() &&
               !ask("external-id",
                    {.prompt = "External id of the role's trust policy (none: it asks "
                               "for none)",
                     .fallback = answers_.fresh_audience()})) {
      return false;
    }
    if (by_password || answers_.text("kind") == "redshift-serverless") return true;
    return ask("db-user",
               {.prompt = "Database user of the login (empty: IAMR:<role>)", .may_be_empty = true});
  }

  bool access_key() {
    if (!answers_.has("auth.access_key_id")) {
      const auto take = [&](const std::string& text) -> Result<std::string> {
        no_key_ = text == "none";
        return no_key_ ? Result<std::string>(std::string())
                       : answers_.take(*find_add_flag("access-key-id"), text);
      };
      if (!dialogue_.ask({.prompt = "Access key id (none: the kit makes one)"}, take) || !save()) {
        return false;
      }
    }
    return no_key_ || seal("secret-access-key", "auth.secret_access_key");
  }

  // An ARN, or an account: the kit then makes the role there.
  bool role(const std::string& who) {
    if (answers_.has("auth.role_arn")) return true;
    const bool needed = who == "google";
    const std::string usual = needed ? answers_.usual_role() : "";
    const auto take = [&](const std::string& text) -> Result<std::string> {
      const std::string digits = replace_all(text, "-", "");
      if (!is_account_id(digits)) return answers_.take(*find_add_flag("role-arn"), text);
      VESTO_TRY(answers_.take(*find_add_flag("account"), digits));
      return answers_.take(*find_add_flag("role-arn"), answers_.usual_role());
    };
    const std::string prompt =
        needed ? "ARN of the role, or the AWS account (12 digits) for the usual one"
               : "ARN of a role to assume (empty: none)";
    return dialogue_.ask({.prompt = prompt, .fallback = usual, .may_be_empty = !needed}, take) &&
           save();
  }

  // One that holds nothing yet: a source of the same name may have its password there.
  std::string free_secret_name(std::string_view what) {
    const std::string usual = secret_name(answers_.name(), what);
    const Result<SecretList> list = sealed_store(*what_.context).list();
    if (!list.ok()) return usual;
    const auto taken = [&](const std::string& name) {
      return std::any_of(list->secrets.begin(), list->secrets.end(),
                         [&](const SecretInfo& one) { return one.name == name; });
    };
    std::string name = usual;
    for (int i = 2; i <= kMaxSameNames && taken(name); ++i) {
      name = fmt::format("{}-{}", usual, i);
    }
    return name;
  }

  // Asked for without echo, and sealed at once: nothing else ever holds it.
  bool seal(std::string_view what, std::string_view setting) {
    if (answers_.has(setting)) return true;
    const std::string name = free_secret_name(what);
    for (int tries = 1;; ++tries) {
      const Result<Secret> value = ask_secret("", name);
      if (value.ok() && value->empty()) {
        dialogue_.leave();
        return false;
      }
      Status sealed = value.ok() ? ok_status() : Status(value.error());
      if (sealed.ok()) {
        SealedStore store = sealed_store(*what_.context);
        const auto set = store.set(name, *value);
        if (set.ok()) break;
        sealed = set.error();
      }
      if (tries == kMaxTries) {
        dialogue_.fail(sealed.error());
        return false;
      }
      dialogue_.say(sealed.error().message());
    }
    answers_.set_reference(setting, "secret", name);
    dialogue_.say(fmt::format("Sealed as {}.", name));
    return save();
  }

  bool bucket() {
    dialogue_.section("Staging bucket");
    return ask("bucket", {.prompt = "Bucket (name, s3://BUCKET/PREFIX, or its page's address)"}) &&
           ask("prefix", {.prompt = "Prefix", .fallback = "vesto/"}) &&
           ask("bucket-region",
               {.prompt = "Its region (empty: it is found)", .may_be_empty = true}) &&
           ask("kms-key-arn",
               {.prompt = "ARN of its KMS key (empty: none of its own)", .may_be_empty = true});
  }

  bool schema() {
    dialogue_.section("Schema and rights");
    return ask("schema", {.prompt = "Schema of the target tables"}) && rights() &&
           ask("create-schema", {.prompt = "May Vesto make it", .fallback = "yes"});
  }

  bool rights() {
    if (answers_.has("create_schema")) return true;
    dialogue_.say("yes: needs CREATE and TEMPORARY on the database.");
    dialogue_.say("no: it is there already; needs ALL on the schema and TEMPORARY.");
    return true;
  }

  const Questioning& what_;
  Answers& answers_;
  Dialogue& dialogue_;
  bool no_key_ = false;  // yet
};

}  // namespace

bool ask_all(const Questioning& what, Dialogue* dialogue) { return Wizard(what, dialogue).run(); }

Result<std::string> tunnel_line(const Context& context, const Config& config,
                                const Answers& answers) {
  VESTO_ASSIGN(const Secret fresh, make_ssh_key());
  VESTO_ASSIGN(const Secret kept, sealed_store(context).get_or_set(
                                      sealed_ssh_key_name("destination", answers.name()), fresh));
  VESTO_ASSIGN(const SshPublicKey shown, ssh_public_key(kept, Secret()));
  DestinationConfig to;
  to.name = answers.name();
  to.host = answers.endpoint().host;
  to.port = answers.endpoint().port;
  return tunnel_authorize_line(config, tunnel_place(to), shown);
}

}  // namespace vesto::cli
