#include "check/check_needs.h"

#include <algorithm>

#include "base/clock.h"
#include "check/destination_checks.h"
#include "check/host_checks.h"
#include "check/source_checks.h"
#include "config/config.h"

namespace vesto {

namespace {

class Collector {
 public:
  void add(const std::vector<Check>& graph) {
    for (const Check& check : graph) {
      CheckNeeds& known = entry(check.id);
      for (const std::string& need : check.needs) {
        if (std::find(known.needs.begin(), known.needs.end(), need) == known.needs.end()) {
          known.needs.push_back(need);
        }
      }
    }
  }

  std::vector<CheckNeeds> take() { return std::move(all_); }

 private:
  CheckNeeds& entry(const std::string& id) {
    const auto at = std::find_if(all_.begin(), all_.end(),
                                 [&id](const CheckNeeds& known) { return known.id == id; });
    if (at != all_.end()) return *at;
    return all_.emplace_back(CheckNeeds{.id = id, .needs = {}});
  }

  std::vector<CheckNeeds> all_;
};

// All that the graph of a destination depends on.
void add_destinations(bool ssh, Collector* out) {
  const Config config;
  for (const char* method : {"iam_role", "password"}) {
    for (const char* identity : {"google", "aws", "access_key"}) {
      for (const char* role : {"arn:aws:iam::123456789012:role/vesto", ""}) {
        DestinationConfig destination;
        destination.auth.method = method;
        destination.auth.identity = identity;
        destination.auth.role_arn = role;
        destination.ssh.given = ssh;
        // Google's token is nothing at AWS without a role; the configuration refuses it.
        if (destination.auth.identity == "google" && destination.auth.role_arn.empty()) continue;
        out->add(destination_checks({.config = &config,
                                     .destination = &destination,
                                     .data_dir = {},
                                     .clock = &system_clock()}));
      }
    }
  }
}

// All that the graph of a source depends on.
void add_sources(bool ssh, Collector* out) {
  const Config config;
  for (const char* host : {"db.example.com", "/run/postgresql"}) {
    for (const char* sslmode : {"verify-full", "require"}) {
      SourceConfig source;
      source.host = host;
      source.sslmode = sslmode;
      source.ssh.given = ssh;
      out->add(source_checks({.config = &config, .source = &source}));
    }
  }
}

}  // namespace

std::vector<CheckNeeds> needs_in_any_set_up() {
  Collector all;
  all.add(host_checks({}));
  all.add({lock_check()});
  for (const bool ssh : {false, true}) {
    add_destinations(ssh, &all);
    add_sources(ssh, &all);
  }
  return all.take();
}

}  // namespace vesto
