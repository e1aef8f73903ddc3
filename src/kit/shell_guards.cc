// Sources: AWS CLI command reference (iam list-roles, s3api list-buckets, redshift
// describe-clusters, redshift-serverless list-workgroups); error codes of Redshift's API reference.
#include "kit/shell_guards.h"

#include <fmt/format.h>

#include <algorithm>

#include "address/arn.h"
#include "aws/policies.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"

namespace vesto::kit {

namespace {

// Prints the names, a line each, that are at most 2 letters away from `name`, which is in lower
// case.
constexpr std::string_view kNearNames = R"({
      word = tolower($0); n = length(name); m = length(word)
      if (m == 0 || n - m > 2 || m - n > 2) next
      for (j = 0; j <= m; j++) d[j] = j
      for (i = 1; i <= n; i++) {
        left = d[0]; d[0] = i
        for (j = 1; j <= m; j++) {
          best = left + (substr(name, i, 1) != substr(word, j, 1))
          if (d[j] + 1 < best) best = d[j] + 1
          if (d[j - 1] + 1 < best) best = d[j - 1] + 1
          left = d[j]; d[j] = best
        }
      }
      if (d[m] <= 2) print
    })";

// Stops, unless the environment says that the name is meant. Distance as in "did you mean": two
// letters put in, left out or changed. `list` prints the names that are there, a line each.
std::string near_guard(const std::string& list, const std::string& name,
                       const std::string& question, std::string_view variable) {
  std::string out = fmt::format("  NEAR=$({} 2>/dev/null |\n    awk -v name={} '{}') || NEAR=\n",
                                list, sh_quote(to_lower_ascii(name)), kNearNames);
  return out + fmt::format(
                   "  if [ -n \"$NEAR\" ] && [ \"${{{}:-}}\" != yes ]; then\n"
                   "    printf '%s\\n' {} \"$NEAR\" \\\n      {} >&2\n    exit 1\n  fi\n",
                   variable, sh_quote(question),
                   sh_quote(fmt::format("Correct it; or, where one more is meant, run this with "
                                        "{}=yes in the environment.",
                                        variable)));
}

// The end of a question about a policy that stands, whose name is made of the destination's.
constexpr std::string_view kOrAnotherVesto =
    "is there a typo in it? Where another Vesto has a destination of this name, give this one "
    "another.";
constexpr std::string_view kNoRoleGiven =
    "auth.role_arn is not given: is it missing? Where another Vesto has a destination of this "
    "name, give this one another.";

// An arm of a case: the policy that stands is for $STANDS, and that is asked about.
std::string stop_for_standing(std::string_view what, const std::string& asked,
                              std::string_view variable) {
  return fmt::format(
      "  *)\n    if [ \"${{{}:-}}\" != yes ]; then\n"
      "      printf '%s\\n' \"{} $STANDS.\" \\\n        {} \\\n        {} >&2\n"
      "      exit 1\n    fi ;;\nesac\n",
      variable, what, sh_quote(asked),
      sh_quote(fmt::format("Correct it; or, if it is right, run this with {}=yes in the "
                           "environment.",
                           variable)));
}

// $STANDS: what `filter`, of sed, finds in $STANDING, but for the lines that are ours.
std::string look_at_standing(std::string_view filter, const std::vector<std::string>& ours = {}) {
  std::string not_ours;
  for (const std::string& one : ours) not_ours += " -e " + sh_quote(one);
  if (!ours.empty()) not_ours = " | grep -Fvx" + not_ours;
  return fmt::format("STANDS=$(printf '%s\\n' \"$STANDING\" |\n  sed -n '{}'{} | sort -u)\n",
                     filter, not_ours);
}

constexpr std::string_view kStandsFor = "The policy that stands is for";

// Lines that stop with `what`, and with what `list` prints if it is given. They stand alone.
std::string stop_unless_meant(const std::string& what, const std::string& list) {
  std::string out = "  if [ \"${NEW_WAREHOUSE:-}\" != yes ]; then\n";
  out += fmt::format("    printf '%s\\n' {} >&2\n", sh_quote(what));
  if (!list.empty()) out += fmt::format("    {} >&2 || true\n", list);
  return out +
         "    echo 'Correct it; or, if it is right, run this with NEW_WAREHOUSE=yes in the "
         "environment.' >&2\n    exit 1\n  fi\n";
}

std::string list_of_warehouses(const DestinationConfig& to, const Places& places) {
  if (to.serverless) {
    return regional_call("redshift-serverless list-workgroups", places.region) +
           " --query 'workgroups[].[workgroupName]' --output text";
  }
  return regional_call("redshift describe-clusters", places.region) +
         " --query 'Clusters[].[ClusterIdentifier]' --output text";
}

// What AWS prints of other characters depends on the shell's language.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("\"\\").find(c) == std::string_view::npos;
  });
}

// Of sed: what lets one log in to a cluster, and to a workgroup.
constexpr std::string_view kOfClusters =
    "s/.*\"\\(arn:[^\"]*:redshift:[^\"]*:db[nu][^\"]*\\)\".*/\\1/p\n"
    "    s/.*\"\\(redshift:GetClusterCredentials[^\"]*\\)\".*/\\1/p";
constexpr std::string_view kOfWorkgroups =
    "s/.*\"\\(arn:[^\"]*:redshift-serverless:[^\"]*:workgroup\\/[^\"]*\\)\".*/\\1/p\n"
    "    s/.*\"\\(redshift-serverless:GetCredentials\\)\".*/\\1/p";

// Stops where such a login stands, of which the policy that takes its place has none.
std::string loses_a_login(const std::string& filter, std::string_view what) {
  return look_at_standing(filter) + "case $STANDS in\n  '') ;;\n" +
         stop_for_standing(kStandsFor,
                           fmt::format("{}, and that login would be gone. Where another Vesto has "
                                       "a destination of this name, give this one another.",
                                       what),
                           "NEW_WAREHOUSE");
}

// The logins that it allows, as database, user and region tell them apart: of two installations
// with the same cluster one would lock the other out.
std::string replaces_another_login(const DestinationConfig& to, const Places& places) {
  const PermissionNeeds ours = login_needs(to, places);
  std::vector<std::string> lines = ours.login_resources;
  lines.push_back(ours.login_action);
  const std::string stop =
      stop_for_standing(kStandsFor,
                        fmt::format("auth.warehouse is {}, region {}, database {} and {}: {}",
                                    places.warehouse, places.region, to.database,
                                    to.auth.db_user.empty() ? "auth.db_user is not given"
                                                            : "auth.db_user " + to.auth.db_user,
                                    kOrAnotherVesto),
                        "NEW_WAREHOUSE");
  if (std::all_of(lines.begin(), lines.end(), is_plain)) {
    return look_at_standing(kOfClusters, lines) + "case $STANDS in\n  '') ;;\n" + stop;
  }
  return look_at_standing("s/.*:dbname:\\([^/\"]*\\)\\/.*/\\1/p") +
         fmt::format("case $STANDS in\n  '' | {}) ;;\n", sh_quote(places.warehouse)) + stop;
}

// The policy that stands is that of another one: its name is told, since the account may have both.
std::string replaces_another(const DestinationConfig& to, const Places& places) {
  if (!to.serverless) return replaces_another_login(to, places);
  const std::string stop =
      stop_for_standing(kStandsFor,
                        fmt::format("auth.warehouse is {} in {}: {}", places.warehouse,
                                    places.region, kOrAnotherVesto),
                        "NEW_WAREHOUSE");
  const size_t slash = places.workgroup_arn.rfind('/');
  const std::string id = slash == std::string::npos ? placeholder("WORKGROUP_ID")
                                                    : places.workgroup_arn.substr(slash + 1);
  // Workgroups that are gone have left their ids behind; those of another region are not asked for.
  return look_at_standing(
             "s/.*:redshift-serverless:\\([^:\"]*\\):[^:\"]*:workgroup\\/"
             "\\([0-9a-f-]*\\)\".*/\\1 \\2/p",
             {places.region + " " + id}) +
         fmt::format(
             "case $(printf '%s\\n' \"$STANDS\" | cut -d ' ' -f 1 | sort -u) in\n"
             "  '') ;;\n  {})\n    STANDS=$({} --output text \\\n"
             "      --query \"workgroups[?contains('$STANDS', workgroupId)].workgroupName\") ;;\n"
             "esac\n",
             sh_quote(places.region),
             regional_call("redshift-serverless list-workgroups", places.region)) +
         fmt::format("case $STANDS in\n  '' | None | {}) ;;\n", sh_quote(places.warehouse)) + stop;
}

bool is_account(const std::string& text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string::npos;
}

// An account, and what tells it.
struct Told {
  std::string account;
  std::string by;
};

// Of who does the work.
Told account_of_worker(const DestinationConfig& to, const Places& places) {
  if (const std::string account = account_of_arn(to.auth.role_arn); is_account(account)) {
    return {account, "auth.role_arn"};
  }
  // Else it assumes nobody, or a role of an account that is not known.
  if (places.actor == Actor::kRole) return {};
  return {account_of_arn(places.principal_arn), "the identity that Vesto runs as"};
}

Told account_of_copy_role(const DestinationConfig& to) {
  return {account_of_arn(to.auth.copy_role_arn), "auth.copy_role_arn"};
}

Told account_for(const DestinationConfig& to, const Places& places, std::string_view part) {
  if (part == "policies" || part == "bucket-policy") return {};  // they only look
  if (part == "key" && places.user_elsewhere) {
    return {account_of_arn(places.principal_arn), "the user of Vesto's access key"};
  }
  if (part == "asker") {
    return {account_of_arn(places.principal_arn), "the identity that Vesto runs as"};
  }
  if (part == "eks-trust") {
    return {account_of_arn(places.pod_role_arn), "the role that Vesto's pods run as"};
  }
  if (part == "copy-role" && is_account(account_of_arn(to.auth.copy_role_arn))) {
    return account_of_copy_role(to);
  }
  const bool of_warehouse = part == "network" || part == "warehouse" || part == "copy-role";
  if (!of_warehouse) return account_of_worker(to, places);
  if (!to.endpoint.account.empty()) return {to.endpoint.account, "the endpoint"};
  // A temporary login is given within one account.
  return to.auth.method == "iam_role" ? account_of_worker(to, places) : Told{};
}

// `meant`: a variable by which who runs it may say that it is right; "" = it never is.
std::string account_lines(const Told& told, const std::string& region, std::string_view meant) {
  if (!is_account(told.account)) return "";
  const std::string unless =
      meant.empty() ? "" : fmt::format(" && [ \"${{{}:-}}\" != yes ]", meant);
  const std::string else_text =
      meant.empty()
          ? ""
          : fmt::format(" If this account is meant, run this with {}=yes in the environment.",
                        meant);
  return fmt::format(
      "HERE=$({} --query Account --output text)\n"
      "if [ \"$HERE\" != {} ]{}; then\n"
      "  echo \"{} is of the account {}, and this runs in $HERE: is there a typo, or are these "
      "keys "
      "of another account?{}\" >&2\n"
      "  exit 1\nfi\n",
      regional_call("sts get-caller-identity", region), told.account, unless, told.by, told.account,
      else_text);
}

std::string near_role_guard(const Places& places, const std::string& role, std::string_view key) {
  return near_guard(
      iam_call(places, "list-roles") + " --query 'Roles[].[RoleName]' --output text", role,
      fmt::format("There is no role {}. Is there a typo in {}? There are:", role, key), "NEW_ROLE");
}

}  // namespace

std::string account_guard(const DestinationConfig& to, const Places& places,
                          std::string_view part) {
  // A bucket may be another account's than the role, and so may the network be.
  const bool of_bucket = part == "bucket" || part == "public-access" || part == "lifecycle";
  const bool may_differ = of_bucket || part == "network";
  return account_lines(account_for(to, places, part),
                       of_bucket ? places.bucket_region : places.region,
                       may_differ ? "OTHER_ACCOUNT" : "");
}

// A slip in auth.role_arn would make a second role, which nobody asks for.
std::string role_guard(const DestinationConfig& to, const Places& places) {
  if (account_of_arn(to.auth.role_arn).empty()) return "";
  return near_role_guard(places, places.role, "auth.role_arn");
}

std::string copy_role_guard(const DestinationConfig& to, const Places& places) {
  if (account_of_arn(to.auth.copy_role_arn).empty()) return "";
  return near_role_guard(places, places.copy_role, "auth.copy_role_arn");
}

std::string copy_account_guard(const DestinationConfig& to, const Places& places) {
  return account_lines(account_of_copy_role(to), places.region, "");
}

std::string bucket_guard_standing(const DestinationConfig& to) {
  // What AWS prints of other characters depends on the shell's language.
  const bool plain = std::all_of(to.prefix.begin(), to.prefix.end(), [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("*?$\"\\").find(c) == std::string_view::npos;
  });
  std::string out = look_at_standing("s/.*\"arn:[^:\"]*:s3:::\\([^/\"]*\\/[^\"]*\\)\".*/\\1/p");
  out += fmt::format(
      "case $STANDS in\n  '' | {}) ;;\n",
      plain ? sh_quote(to.bucket + "/" + to.prefix + "*") : sh_quote(to.bucket + "/") + "*");
  return out +
         stop_for_standing(kStandsFor,
                           fmt::format("staging.bucket is {} and staging.prefix {}: {}", to.bucket,
                                       to.prefix.empty() ? "empty" : to.prefix, kOrAnotherVesto),
                           "NEW_BUCKET");
}

// A role's name is single in its account, whatever its path.
std::string assumed_role_guard(const DestinationConfig& to) {
  const std::string& arn = to.auth.role_arn;
  const size_t name = arn.rfind('/');
  std::string asked(kNoRoleGiven);
  std::string same;
  if (name != std::string::npos) {
    const std::string roles = arn.substr(0, arn.find('/') + 1);
    same = fmt::format(" | {} | {}*{}", sh_quote(roles + arn.substr(name + 1)), sh_quote(roles),
                       sh_quote(arn.substr(name)));
    asked = fmt::format("auth.role_arn is {}: {}", arn, kOrAnotherVesto);
  }
  return look_at_standing("s/.*\"\\(arn:[^\"]*:role\\/[^\"]*\\)\".*/\\1/p") +
         fmt::format("case $STANDS in\n  ''{}) ;;\n", same) +
         stop_for_standing("The policy that stands allows to assume", asked, "NEW_ROLE");
}

std::string bucket_guard_near(const DestinationConfig& to, const Places& places) {
  return near_guard(
      regional_call("s3api list-buckets", places.bucket_region) +
          " --query 'Buckets[].[Name]' --output text",
      to.bucket,
      fmt::format("There is no bucket {}. Is there a typo in staging.bucket? There are:",
                  to.bucket),
      "NEW_BUCKET");
}

std::string login_guard(std::string_view what) {
  return loses_a_login(fmt::format("{}\n    {}", kOfClusters, kOfWorkgroups), what);
}

std::string warehouse_guard(const DestinationConfig& to, const Places& places) {
  if (to.auth.method != "iam_role") return login_guard("This destination logs in by a password");
  std::string out =
      to.serverless ? loses_a_login(std::string(kOfClusters), "This destination is of a workgroup")
                    : loses_a_login(std::string(kOfWorkgroups), "This destination is of a cluster");
  const bool known =
      places.warehouse != placeholder("WAREHOUSE") && places.region != placeholder("REGION");
  if (!known) return out;
  const std::string list = list_of_warehouses(to, places);
  if (const std::string other = other_warehouse(to); !other.empty()) {
    out += "{\n" +
           stop_unless_meant(fmt::format("auth.warehouse is {}, and the endpoint is that of {}.",
                                         places.warehouse, other),
                             "") +
           "}\n";
  }
  const std::string look = to.serverless
                               ? regional_call("redshift-serverless get-workgroup", places.region) +
                                     sh_flag("--workgroup-name", places.warehouse)
                               : regional_call("redshift describe-clusters", places.region) +
                                     sh_flag("--cluster-identifier", places.warehouse);
  // Who may set policies need not be allowed to look: only "there is none" stops.
  out += fmt::format("case $({} 2>&1 >/dev/null || true) in *'({})'* | *'({})'*)\n", look,
                     to.serverless ? "ResourceNotFoundException" : "ClusterNotFound",
                     to.serverless ? "ResourceNotFound" : "ClusterNotFoundFault");
  out += stop_unless_meant(
      fmt::format(
          "There is no {} {} in {}. Is there a typo in auth.warehouse or auth.region? There are:",
          to.serverless ? "workgroup" : "cluster", places.warehouse, places.region),
      list);
  return out + ";;\nesac\n" + replaces_another(to, places);
}

}  // namespace vesto::kit
