// The rule that removes what a run leaves in the bucket, as steps for awscli.
// Sources: AWS CLI command reference (s3api); Amazon S3 user guide, "Managing the lifecycle of
// objects".
#include <fmt/format.h>

#include "base/json_text.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell_aws.h"

namespace vesto::kit {

namespace {

// A text in an expression of JMESPath.
std::string jmespath_text(std::string_view text) {
  return "`" + replace_all(json_quote(text), "`", "\\`") + "`";
}

std::string lifecycle_json(const DestinationConfig& to, const std::string& id) {
  return fmt::format(
      "{{\"ID\": {}, \"Status\": \"Enabled\",\n"
      "  \"Filter\": {{\"Prefix\": {}}},\n"
      "  \"Expiration\": {{\"Days\": 3}},\n"
      "  \"NoncurrentVersionExpiration\": {{\"NoncurrentDays\": 1}},\n"
      "  \"AbortIncompleteMultipartUpload\": {{\"DaysAfterInitiation\": 1}}}}",
      json_quote(id), json_quote(to.prefix));
}

// Of JMESPath: "ALL OURS RIGHT HERE", how many rules there are, but for those that the kit makes
// for other destinations and prefixes; of our name; of these such as do their work, whoever has
// changed their days; and such as are for our prefix.
std::string rules_counted(const std::string& ours, const std::string& prefix) {
  const std::string here = fmt::format("{} && Filter.Prefix == {}", ours, jmespath_text(prefix));
  const std::string elsewhere = fmt::format(
      "starts_with(to_string(ID), `\"vesto-\"`) && !({}) && Filter.Prefix &&\n"
      "    Filter.Prefix != {} && !Transitions && !NoncurrentVersionTransitions",
      ours, jmespath_text(prefix));
  return fmt::format(
      "[length(Rules[?!({3})]), length(Rules[?{0}]),\n"
      "  length(Rules[?{1} && Status == `\"Enabled\"` && Expiration.Days <= `{2}` &&\n"
      "    NoncurrentVersionExpiration.NoncurrentDays &&\n"
      "    AbortIncompleteMultipartUpload.DaysAfterInitiation]),\n"
      "  length(Rules[?{1}])]",
      ours, here, kLongestStayDays, elsewhere);
}

// Functions to read the rules and to set ours beside the others; $RULES: how they stand.
std::string read_rules(const DestinationConfig& to, const std::string& ours, const Places& places) {
  std::string out = fmt::format("rules() {{\n  {} \\\n    --query \"$1\" --output \"$2\"\n}}\n",
                                on_bucket("get-bucket-lifecycle-configuration", to, places));
  // Of two sizes from which files are moved to other classes, the one that is not the default is
  // lost where it is not given again. Source: AWS CLI, put-bucket-lifecycle-configuration.
  out += fmt::format(
      "put_rules() {{\n"
      "  OTHERS='[]'\n"
      "  SIZE=None\n"
      "  if [ \"$STAND\" = yes ]; then\n"
      "    OTHERS=$(rules {} json)\n"
      "    SIZE=$(rules TransitionDefaultMinimumObjectSize text)\n"
      "  fi\n"
      "  case $OTHERS in\n"
      "    '[]') ALL=\"{{\\\"Rules\\\": [$LIFECYCLE]}}\" ;;\n"
      "    '['*) ALL=\"{{\\\"Rules\\\": [$LIFECYCLE,${{OTHERS#?}}}}\" ;;\n"
      "    *) echo 'AWS tells the lifecycle rules in another way.' >&2; exit 1 ;;\n"
      "  esac\n"
      "  set -- --lifecycle-configuration \"$ALL\"\n"
      "  [ \"$SIZE\" != varies_by_storage_class ] ||\n"
      "    set -- \"$@\" --transition-default-minimum-object-size \"$SIZE\"\n"
      "  {} \"$@\" >/dev/null\n}}\n",
      sh_quote(fmt::format("Rules[?!({})]", ours)),
      on_bucket("put-bucket-lifecycle-configuration", to, places));
  out += fmt::format("COUNTED={}\n", sh_quote(rules_counted(ours, to.prefix)));
  // Where they cannot be read, nothing may be set: it would take the place of all of them.
  return out +
         "STAND=yes\n"
         "if ! RULES=$(rules \"$COUNTED\" text 2>/dev/null); then\n"
         "  RULES='0 0 0 0'\n"
         "  STAND=no\n"
         "  case $(rules \"$COUNTED\" text 2>&1 || true) in\n"
         "    *NoSuchLifecycleConfiguration*) ;;\n"
         "    *)\n"
         "      echo 'The lifecycle rules of the bucket could not be read:' >&2\n"
         "      rules \"$COUNTED\" text >&2 || true\n"
         "      exit 1 ;;\n"
         "  esac\n"
         "fi\n";
}

// A rule for files of somebody else would delete them, and their old versions for good: what lies
// there already is only told of. What Vesto itself has put, known by its form
// (stage/object_keys.h), may go: in a bucket with versions each test leaves some. A page that is
// not the last one is taken for files of somebody.
std::string look_for_files(const DestinationConfig& to, const Places& places) {
  return fmt::format(
      "if [ $ALONE = no ]; then\n"
      "  LIES=$({} \\\n"
      "    --prefix {} --max-keys 1000 --query '[[IsTruncated], Versions[].Key][]' --output text)\n"
      "  HELD=$(printf '%s\\n' \"$LIES\" | tr '\\t' '\\n' | sed -e '1{{' -e '/^False$/d' -e '}}' "
      "|\n"
      "    grep -Evx '(.*/)?[a-z0-9]{{16}}/[0-9a-f]{{8}}/run_[0-9A-Z]{{26}}/[0-9]+/"
      "(manifest|[0-9]+[.]csv[.](gz|zst))' |\n"
      "    head -n 1)\n"
      "  [ -n \"$HELD\" ] || ALONE=yes\n"
      "fi\n",
      on_bucket("list-object-versions", to, places), sh_quote(to.prefix));
}

// An arm of the case in lifecycle_steps(): our rule stands, stays, and is shown.
std::string rule_stays(std::string_view pattern, const std::string& what, const std::string& one,
                       const std::string& then) {
  return fmt::format(
      "  {})\n    printf '%s\\n' {} >&2\n    rules {} json >&2\n"
      "    printf '%s\\n%s\\n' {} \\\n      \"$LIFECYCLE\" >&2 ;;\n",
      pattern, sh_quote(what), one, sh_quote(then));
}

}  // namespace

// Rules are set all at once: those that people have made stay, and ours is shown to them. Its
// prefix is the destination's own, below which nobody but Vesto writes; where that is empty the
// rule is for the whole bucket, and only a bucket made here gets it. Somebody may have switched off
// the one of our name, or given it more days, for files that lie there: it is replaced, and told,
// only where none do. One for another prefix may be another Vesto's.
std::string lifecycle_steps(const DestinationConfig& to, const Places& places) {
  const std::string id = "vesto-" + to.name;
  const std::string ours = "ID == " + jmespath_text(id);
  std::string out = fmt::format("LIFECYCLE={}\n", sh_quote(lifecycle_json(to, id)));
  out += read_rules(to, ours, places);
  out += "ALONE=$MADE\nASKED=no\n";
  if (!to.prefix.empty()) {
    out += "[ \"${NEW_LIFECYCLE:-}\" != yes ] || ASKED=yes\n";
    out += look_for_files(to, places);
  }
  const std::string one = sh_quote(fmt::format("Rules[?{}] | [0]", ours));
  const std::string or_ask =
      to.prefix.empty() ? ":"
                        : ", or run this with NEW_LIFECYCLE=yes in the environment, which keeps "
                          "the rules of other names:";
  out += "case \"$ASKED $ALONE $(echo $RULES)\" in\n  *' 1 1 1') ;;\n";
  out += "  *' yes 0 0 0 0' | 'yes '*' 0 0 0') put_rules ;;\n";
  out += fmt::format(
      "  'yes '* | *' yes 1 1 0 1')\n    printf '%s\\n' {} >&2\n    rules {} json >&2\n"
      "    put_rules ;;\n",
      sh_quote(fmt::format(
          "The lifecycle rule {} did not do its work here. It is replaced, and was:", id)),
      one);
  out += rule_stays("*' 1 0 1'",
                    fmt::format("The lifecycle rule {} does not do its work, and stays, for there "
                                "are other rules or files of others:",
                                id),
                    one, "Where these files may go after 3 days, set it to this" + or_ask);
  out += rule_stays("*' 1 0 0'",
                    fmt::format("The lifecycle rule {} is for another prefix, and stays:", id), one,
                    "Where another Vesto has a destination of this name, give this one another. "
                    "Where it is of this one, and files below the prefix may go after 3 days, set "
                    "it to this" +
                        or_ask);
  const std::string told =
      to.prefix.empty()
          ? "The bucket was there already, and staging.prefix is empty: this rule would delete "
            "what others keep in it. Not added:"
          : "The bucket has lifecycle rules already, or files or old versions of files where Vesto "
            "would write. Where these "
            "may go after 3 days, add this rule to those that stand" +
                or_ask;
  return out + fmt::format("  *) printf '%s\\n%s\\n' {} \\\n    \"$LIFECYCLE\" >&2 ;;\nesac\n",
                           sh_quote(told));
}

}  // namespace vesto::kit
