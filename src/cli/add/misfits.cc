// What a draft holds for another login or another identity than the one that is wanted by now.
#include <fmt/format.h>

#include "base/strings.h"
#include "cli/add/answers.h"

namespace vesto::cli {

namespace {

constexpr size_t kShownBytes = 100;

}  // namespace

void Answers::begin_with_draft() {
  of_draft_ = true;
  fresh_.clear();
  draft_kind_ = text("kind");
}

bool Answers::is_old(std::string_view setting) const {
  return of_draft_ && has(setting) && fresh_.count(setting) == 0;
}

// Only what the draft told: what was said now is never passed over.
void Answers::leave_out(std::string_view setting, std::string_view why) {
  if (!is_old(setting)) return;
  const std::string value = text(setting);
  notes_.push_back(
      fmt::format("{}{} of the draft is left out: {}.", setting,
                  value.empty() ? "" : fmt::format(" ({})", cut_utf8(value, kShownBytes)), why));
  drop(setting);
}

// What was said now decides how Vesto logs in and who asks AWS, also where it says so by a value
// that only one of them has.
void Answers::follow_what_is_said() {
  const auto said = [this](std::string_view setting) { return fresh_.count(setting) != 0; };
  if (said("auth.user") || said("auth.password")) {
    if (text("auth.method") == "iam_role")
      leave_out("auth.method", "a login by password is wanted");
  } else if (said("auth.db_user") && method() == "password") {
    for (const char* setting : {"auth.method", "auth.user", "auth.password"}) {
      leave_out(setting, "a temporary login is wanted");
    }
  }
  if (said("auth.copy_role_arn") && !said("auth.copy") && text("auth.copy") != "attached_role") {
    leave_out("auth.copy", "a role attached to the warehouse is wanted");
    set_text("auth.copy", "attached_role");
  }
  const std::string wanted = said("auth.access_key_id") || said("auth.secret_access_key")
                                 ? "access_key"
                             : said("auth.audience") ? "google"
                             : said("auth.profile")  ? "aws"
                                                     : "";
  if (wanted.empty() || said("auth.identity") || wanted == identity()) return;
  leave_out("auth.identity", fmt::format("{} is wanted", wanted));
  if (identity() != wanted) set_text("auth.identity", wanted);
}

// A cluster's identifier names no workgroup, nor the other way round.
void Answers::drop_name_of_other_kind() {
  const std::string kind = text("kind");
  if (draft_kind_.empty() || kind.empty() || kind == draft_kind_) return;
  leave_out("auth.warehouse", draft_kind_ == "redshift-serverless"
                                  ? "it is the name of a workgroup, and a cluster is wanted"
                                  : "it is the name of a cluster, and a workgroup is wanted");
}

// Whom a temporary login of Serverless is of.
std::string Answers::serverless_login() const {
  constexpr const char* kRole = "IAMR:<name of the role>";
  constexpr const char* kUser = "IAM:<name of the user>";
  if (has("auth.role_arn") || identity() == "google") return kRole;
  return identity() == "access_key" ? kUser : fmt::format("{} or {}", kRole, kUser);
}

void Answers::drop_misfits() {
  if (!of_draft_) return;
  follow_what_is_said();
  drop_name_of_other_kind();
  if (method() == "password") {
    leave_out("auth.db_user", "a login by password has a user of its own");
    leave_out("auth.redshift_endpoint", "a login by password asks nothing of Redshift's API");
  } else {
    for (const char* setting : {"auth.user", "auth.password"}) {
      leave_out(setting, "a temporary login has none of its own");
    }
    if (text("kind") == "redshift-serverless") {
      leave_out("auth.db_user",
                "Serverless takes no named user, the login is " + serverless_login());
    }
  }
  const std::string who = identity();
  if (who == "google") {
    leave_out("auth.external_id", "a Google identity has an audience instead");
  } else {
    leave_out("auth.audience", "only a Google identity has one");
  }
  if (who != "aws") leave_out("auth.profile", "only the identity aws has one");
  if (who != "access_key") {
    for (const char* setting :
         {"auth.access_key_id", "auth.secret_access_key", "auth.session_token"}) {
      leave_out(setting, fmt::format("the identity is {}", who));
    }
  }
  const bool bare_key = who == "access_key" && !has("auth.role_arn");
  const std::string copy = text("auth.copy");
  if (copy == "static_keys" && !bare_key) {
    leave_out("auth.copy", "there is no long-lived key for COPY to read with");
  } else if (copy == "session_keys" && bare_key && !has("auth.session_token")) {
    leave_out("auth.copy", "a long-lived key has no temporary ones");
  }
  if (has("auth.copy") && text("auth.copy") != "attached_role") {
    leave_out("auth.copy_role_arn", "COPY is to read with keys");
  }
}

}  // namespace vesto::cli
