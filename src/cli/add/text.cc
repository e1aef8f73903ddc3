#include "cli/add/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/kit_who.h"
#include "cli/terminal.h"
#include "kit/kit.h"

namespace vesto::cli {

namespace {

void add_secrets(const DestinationConfig& of, std::set<std::string>* out) {
  const auto add = [&](const ValueRef& reference) {
    if (reference.kind == ValueRef::Kind::kSecret) out->insert(reference.name);
  };
  for (const ValueRef* reference : {&of.auth.user, &of.auth.password, &of.auth.access_key_id,
                                    &of.auth.secret_access_key, &of.auth.session_token}) {
    add(*reference);
  }
  if (!of.ssh.given) return;
  add(of.ssh.key);
  add(of.ssh.passphrase);
}

}  // namespace

std::vector<KitErrand> kit_errands(const Config& config, const DestinationConfig& to) {
  KitFacts facts;
  facts.public_egress = config.public_egress;
  const Kit kit = make_kit(to, facts);
  std::vector<KitErrand> out;
  for (const char* part :
       {"script", "key", "asker", "sql", "authorized-keys", "network", "message"}) {
    const KitPart* found = kit.find(part);
    // The key of a user that works by itself is among what "script" makes.
    const bool in_script = part == std::string_view("key") && to.auth.role_arn.empty();
    if (found == nullptr || in_script) continue;
    out.push_back({.who = found->who,
                   .whom = who_text(*found, to),
                   .part = part,
                   .command = fmt::format("vesto destination kit {} --part {}", to.name, part),
                   .missing = found->missing});
  }
  return out;
}

std::string errands_text(const std::vector<KitErrand>& errands) {
  std::vector<std::vector<std::string>> rows;
  for (const KitErrand& one : errands) rows.push_back({"  " + one.whom, one.command});
  return "Who has to do what; each command prints it, with every value filled in that is known:\n" +
         table_text(rows);
}

std::string egress_note(const std::vector<KitErrand>& errands, const std::string& file) {
  std::vector<std::string> parts;
  for (const KitErrand& one : errands) {
    if (std::find(one.missing.begin(), one.missing.end(), "EGRESS_ADDRESS") != one.missing.end()) {
      parts.push_back(one.part);
    }
  }
  if (parts.empty()) return "";
  return fmt::format(
      "The kit lacks the address that Vesto dials from (<<EGRESS_ADDRESS>> in {}). Write it "
      "into {}, below [server]: public_egress = [\"203.0.113.7/32\"]",
      join(parts, ", "), file);
}

std::string errands_json(const std::vector<KitErrand>& errands) {
  std::vector<std::string> out;
  out.reserve(errands.size());
  for (const KitErrand& one : errands) {
    out.push_back(fmt::format(R"({{"who":{},"part":{},"command":{}}})", json_quote(one.who),
                              json_quote(one.part), json_quote(one.command)));
  }
  return "[" + join(out, ",") + "]";
}

std::vector<std::string> secrets_of_its_own(const Config& config, const DestinationConfig& gone) {
  std::set<std::string> own;
  add_secrets(gone, &own);
  return not_of_others(config, {own.begin(), own.end()}, gone.name);
}

std::vector<std::string> not_of_others(const Config& config, const std::vector<std::string>& own,
                                       std::string_view gone) {
  std::set<std::string> others;
  for (const DestinationConfig& other : config.destinations) {
    if (other.name != gone) add_secrets(other, &others);
  }
  for (const SourceConfig& source : config.sources) {
    for (const ValueRef* reference :
         {&source.user, &source.password, &source.ssh.key, &source.ssh.passphrase}) {
      if (reference->kind == ValueRef::Kind::kSecret) others.insert(reference->name);
    }
  }
  if (config.google.key.kind == ValueRef::Kind::kSecret) others.insert(config.google.key.name);
  std::vector<std::string> out;
  for (const std::string& name : own) {
    if (others.count(name) == 0) out.push_back(name);
  }
  return out;
}

}  // namespace vesto::cli
