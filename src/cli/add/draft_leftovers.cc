#include "cli/add/draft_leftovers.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/add/draft.h"
#include "kit/quote.h"
#include "kit/shell.h"

namespace vesto::cli {

namespace {

using kit::regional_call;
using kit::sh_flag;

// "; beta uses it" for destinations that the configuration has in this warehouse.
std::string users_of(const Config& config, const AuthConfig& of) {
  std::vector<std::string> names;
  for (const DestinationConfig& other : config.destinations) {
    if (other.auth.warehouse == of.warehouse && other.auth.region == of.region) {
      names.push_back(other.name);
    }
  }
  if (names.empty()) return "";
  return fmt::format("; {} {} it", join(names, ", "), names.size() == 1 ? "uses" : "use");
}

// Nobody but its owner knows whether what is in it may go, so that no line can be pasted as it is.
std::vector<std::string> warehouse_lines(const Config& config, const DestinationConfig& made) {
  const std::string& region = made.auth.region;
  const std::string& name = made.auth.warehouse;
  const std::string used = users_of(config, made.auth);
  const auto line = [](const std::string& condition, const std::string& command) {
    return "# " + printable(fmt::format("{}: {}", condition, command), false);
  };
  const char* open = made.ssh.given ? "" : ", and it is publicly accessible";
  if (!made.serverless) {
    return {line(fmt::format("the cluster {}, where the kit has made it: AWS bills it until it is "
                             "deleted{}; only if all that is in it may go{}",
                             name, open, used),
                 regional_call("redshift delete-cluster", region) +
                     sh_flag("--cluster-identifier", name) + " --skip-final-cluster-snapshot")};
  }
  return {line(fmt::format("the workgroup {}, where the kit has made it: AWS bills whoever queries "
                           "it{}; only if nothing else uses it{}",
                           name, open, used),
               regional_call("redshift-serverless delete-workgroup", region) +
                   sh_flag("--workgroup-name", name)),
          line(fmt::format("its namespace {}, once the workgroup is gone: AWS bills what is stored "
                           "in it until it is deleted; only if all of that may go{}",
                           name, used),
               regional_call("redshift-serverless delete-namespace", region) +
                   sh_flag("--namespace-name", name))};
}

bool has_whole_kit(const Answers& draft) {
  return draft.missing().empty() || lacks_secrets_alone(draft);
}

}  // namespace

Leftovers leftovers_of_draft(const Config& config, Answers draft) {
  draft.fill_defaults();
  const DestinationConfig sketch = draft.sketch();
  Leftovers out;
  if (has_whole_kit(draft)) {
    if (auto to = destination_without_secrets(draft); to.ok()) out = leftovers_of(config, *to);
  } else if (draft.has("staging.bucket") &&
             (draft.has("auth.region") || draft.has("staging.region"))) {
    out = bucket_leftovers_of(config, sketch);
  }
  // With an endpoint it is known by its name alone that the kit may have made it.
  const bool made =
      can_make_warehouse(draft) || (draft.has("auth.region") && draft.has("kind") &&
                                    draft.text("auth.warehouse") == draft.usual_warehouse());
  if (made) {
    const std::vector<std::string> lines = warehouse_lines(config, sketch);
    out.aws.insert(out.aws.begin(), lines.begin(), lines.end());
  }
  return out;
}

}  // namespace vesto::cli
