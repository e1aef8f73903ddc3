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
      "{{\"Rules\": [{{\"ID\": {}, \"Status\": \"Enabled\",\n"
      "  \"Filter\": {{\"Prefix\": {}}},\n"
      "  \"Expiration\": {{\"Days\": 3}},\n"
      "  \"NoncurrentVersionExpiration\": {{\"NoncurrentDays\": 1}},\n"
      "  \"AbortIncompleteMultipartUpload\": {{\"DaysAfterInitiation\": 1}}}}]}}",
      json_quote(id), json_quote(to.prefix));
}

// Of JMESPath: "ALL OURS RIGHT HERE", how many rules there are; of our name; of these such as do
// their work, whoever has changed their days; and such as are for our prefix. The days of an object
// are bound as by s3.lifecycle, which sees nothing of former versions and unfinished uploads.
std::string rules_counted(const std::string& ours, const std::string& prefix) {
  const std::string here = fmt::format("{} && Filter.Prefix == {}", ours, jmespath_text(prefix));
  return fmt::format(
      "[length(Rules), length(Rules[?{0}]),\n"
      "  length(Rules[?{1} && Status == `\"Enabled\"` && Expiration.Days <= `{2}` &&\n"
      "    NoncurrentVersionExpiration.NoncurrentDays &&\n"
      "    AbortIncompleteMultipartUpload.DaysAfterInitiation]),\n"
      "  length(Rules[?{1}])]",
      ours, here, kLongestStayDays);
}

// Functions to read the rules and to set ours; $RULES: how they stand.
std::string read_rules(const DestinationConfig& to, const std::string& ours, const Places& places) {
  std::string out = fmt::format("rules() {{\n  {} \\\n    --query \"$1\" --output \"$2\"\n}}\n",
                                on_bucket("get-bucket-lifecycle-configuration", to, places));
  out += fmt::format("put_rules() {{\n  {} \\\n    --lifecycle-configuration \"$LIFECYCLE\"\n}}\n",
                     on_bucket("put-bucket-lifecycle-configuration", to, places));
  out += fmt::format("COUNTED={}\n", sh_quote(rules_counted(ours, to.prefix)));
  // Where they cannot be read, nothing may be set: it would take the place of all of them.
  return out +
         "if ! RULES=$(rules \"$COUNTED\" text 2>/dev/null); then\n"
         "  RULES='0 0 0 0'\n"
         "  case $(rules \"$COUNTED\" text 2>&1 || true) in\n"
         "    *NoSuchLifecycleConfiguration*) ;;\n"
         "    *)\n"
         "      echo 'The lifecycle rules of the bucket could not be read:' >&2\n"
         "      rules \"$COUNTED\" text >&2 || true\n"
         "      exit 1 ;;\n"
         "  esac\n"
         "fi\n";
}

}  // namespace

// Rules are set all at once: those that people have made stay, and ours is shown to them. Its
// prefix is the destination's own, below which nobody but Vesto writes; where that is empty the
// rule is for the whole bucket, and only a bucket made here gets it. One of our name that does not
// do its work, switched off or for another prefix, is replaced where it stands alone, and is told.
std::string lifecycle_steps(const DestinationConfig& to, const Places& places) {
  const std::string id = "vesto-" + to.name;
  const std::string ours = "ID == " + jmespath_text(id);
  std::string out = fmt::format("LIFECYCLE={}\n", sh_quote(lifecycle_json(to, id)));
  out += read_rules(to, ours, places);
  // A rule for files of somebody else would delete them: what lies there already is only told of.
  out += "ALONE=$MADE\n";
  if (!to.prefix.empty()) {
    out += fmt::format(
        "if [ $ALONE = no ]; then\n  HELD=$({} \\\n    --prefix {} --max-keys 1 --query "
        "'Contents[0].Key' --output text)\n  [ \"$HELD\" != None ] || ALONE=yes\nfi\n",
        on_bucket("list-objects-v2", to, places), sh_quote(to.prefix));
  }
  const std::string one = sh_quote(fmt::format("Rules[?{}] | [0]", ours));
  out += "case \"$ALONE $(echo $RULES)\" in\n  *' 1 1 1') ;;\n  'yes 0 0 0 0') put_rules ;;\n";
  out += fmt::format(
      "  'yes 1 1 0 '[01]{})\n    printf '%s\\n' 'The lifecycle rule {} did not do its work. It is "
      "replaced, and was:' >&2\n    rules {} json >&2\n    put_rules ;;\n",
      to.prefix.empty() ? "" : " | 'no 1 1 0 1'", id, one);
  out += fmt::format(
      "  *' 1 0 '[01])\n    printf '%s\\n' 'The lifecycle rule {} does not do its work, and stays, "
      "for there are other rules or files of others:' >&2\n    rules {} json >&2\n"
      "    printf '%s\\n%s\\n' 'Where these files may go after 3 days, put this one in its place:' "
      "\\\n      \"$LIFECYCLE\" >&2 ;;\n",
      id, one);
  return out + "  *) printf '%s\\n%s\\n' " +
         (to.prefix.empty()
              ? "'The bucket was there already, and staging.prefix is empty: this "
                "rule would delete "
                "what others keep in it. Not added:'"
              : "'The bucket has lifecycle rules already, or files where Vesto would write. "
                "Where these may go after 3 days, add this rule:'") +
         " \\\n    \"$LIFECYCLE\" >&2 ;;\n"
         "esac\n";
}

}  // namespace vesto::kit
