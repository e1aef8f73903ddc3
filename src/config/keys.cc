#include "config/keys.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "config/key_specs.h"

namespace vesto {

namespace {

using namespace key_specs;

void add_general(std::vector<KeySpec>* keys) {
  keys->push_back({.path = "version",
                   .type = kInteger,
                   .required = true,
                   .min = 1,
                   .max = 1,
                   .since = kFirst,
                   .doc = "Version of this file's format."});
  keys->push_back(section("limits", false, "Bounds for the whole process."));
  keys->push_back(integer("limits.memory_mib", "1024", 64, 1'048'576,
                          "Memory for rows on their way, for all readers together."));
  keys->push_back(integer("limits.readers", "4", 1, 64,
                          "Connections that read from the source at the same time. Each needs "
                          "about 31 MiB of memory_mib; fewer are used when there is less."));
  keys->push_back(integer(
      "limits.max_row_mib", "4", 1, 64,
      "Largest row that is delivered; a larger one is kept aside as rejected. Above 4, a reader "
      "needs 8 MiB more for each MiB."));
  keys->push_back(section("server", false, "Where Vesto stands."));
  keys->push_back(optional("server.public_egress", kTextList, "",
                           "Addresses or networks that others see Vesto come from, such as "
                           "\"203.0.113.7/32\". Shown wherever an allow-list has to take them."));
  keys->push_back(section("log", false, "The log on stderr."));
  keys->push_back(choice("log.level", "\"warn\"", "debug|info|warn|error", "trace",
                         "Lowest level that is written; -v and -q win over it."));
  keys->push_back(choice("log.format", "\"text\"", "text|json", "", "Form of the lines."));
}

void add_identity(std::vector<KeySpec>* keys) {
  keys->push_back(section("identity", false, "Who Vesto is."));
  keys->push_back(section("identity.google", false,
                          "Who Vesto is towards AWS: a Google service account, whose ID tokens AWS "
                          "takes in the place of a stored key. vesto identity show prints it."));
  keys->push_back(choice("identity.google.source", "\"metadata\"", "metadata|key_file|token_file",
                         "",
                         "Where its ID tokens come from. metadata: the machine's own service "
                         "account on Google Cloud. key_file: a service-account key. token_file: a "
                         "file that another program keeps fresh."));
  keys->push_back(optional("identity.google.key", kSecret, "",
                           "With key_file: the service account's key (JSON)."));
  keys->push_back(optional("identity.google.token_file", kText, "",
                           "With token_file: its path; read again for each token."));
  keys->push_back(optional("identity.google.token_uri", kText, "",
                           "With key_file: Google's token endpoint, for stand-ins; the key's own "
                           "when left out."));
  keys->push_back(optional("identity.google.tls_ca_file", kText, "",
                           "With key_file: CA bundle to verify that endpoint with; without it the "
                           "system's."));
}

std::vector<KeySpec> make_keys() {
  std::vector<KeySpec> keys;
  add_general(&keys);
  add_identity(&keys);
  add_source(&keys);
  add_destination(&keys);
  add_sync(&keys);
  for (const char* path :
       {"server.listen", "server.public_url", "server.session_hours", "retention", "notify",
        "limits.parallel_syncs", "limits.spool_dir", "limits.max_run_duration", "log.row_values"}) {
    keys.push_back(later(path));
  }
  return keys;
}

std::string type_text(const KeySpec& key) {
  switch (key.type) {
    case kText:
      return "text";
    case kTextList:
      return "list of texts";
    case kChoice:
      return replace_all(key.choices, "|", " or ");
    case kInteger:
      return key.min == key.max
                 ? fmt::format("{}", key.min)
                 : fmt::format("{} to {}", format_count(key.min), format_count(key.max));
    case kBoolean:
      return "true or false";
    case kTextOrReference:
      return "text, `{ secret = }`, `{ env = }` or `{ file = }`";
    case kSecret:
      return "`{ secret = }`, `{ env = }` or `{ file = }`";
    case kLookback:
      return "duration or integer";
    case kDuration:
      return "duration";
    case kChoiceMap:
      return "{ column = " + replace_all(key.choices, "|", " or ") + " }";
    default:
      return "";
  }
}

std::string key_line(const KeySpec& key) {
  const std::string fallback = key.required           ? std::string("required")
                               : key.fallback.empty() ? std::string("-")
                                                      : fmt::format("`{}`", key.fallback);
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", last_part(key.path), type_text(key),
                     fallback, key.since, key.doc);
}

std::string heading_of(const KeySpec& key) {
  const std::string name = replace_all(replace_all(key.path, ".*", ".NAME"), "[]", "");
  switch (key.type) {
    case kObjects:
      return fmt::format("[{}.NAME]", name);
    case kList:
      return fmt::format("[[{}]]", name);
    default:
      return fmt::format("[{}]", name);
  }
}

}  // namespace

const std::vector<KeySpec>& config_keys() {
  static const std::vector<KeySpec> kKeys = make_keys();
  return kKeys;
}

const KeySpec* find_key(std::string_view pattern) {
  for (const KeySpec& key : config_keys()) {
    if (key.path == pattern) return &key;
  }
  return nullptr;
}

std::string_view parent_path(std::string_view pattern) {
  const size_t dot = pattern.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : pattern.substr(0, dot);
}

std::string_view last_part(std::string_view pattern) {
  std::string_view last = pattern.substr(pattern.rfind('.') + 1);
  if (last.ends_with("[]")) last.remove_suffix(2);
  return last;
}

std::vector<const KeySpec*> keys_below(std::string_view pattern) {
  std::vector<const KeySpec*> found;
  for (const KeySpec& key : config_keys()) {
    if (parent_path(key.path) == pattern) found.push_back(&key);
  }
  return found;
}

std::string settings_markdown() {
  std::string out =
      "# Settings\n\n"
      "Generated by `vesto help --settings-markdown` from src/config/keys.cc; a test keeps it up "
      "to "
      "date.\n\n"
      "Vesto reads `vesto.toml` and every `conf.d/*.toml` next to it, or the files given by "
      "`--config`. Paths are relative to the file that they stand in.\n\n"
      "Secrets never stand in the configuration, which says where they are:\n\n"
      "| reference | the value is |\n|---|---|\n"
      "| `{ secret = \"acme/password\" }` | sealed in the data directory, put there by `vesto "
      "secret "
      "set acme/password` |\n"
      "| `{ env = \"ACME_PASSWORD\" }` | that of an environment variable |\n"
      "| `{ file = \"acme.pw\" }` | the content of a file, without the newline at its end |\n";
  const auto table = [&](std::string_view pattern, const std::string& title, std::string_view doc) {
    out += fmt::format("\n## {}\n{}\n\n", title, doc);
    out += "| setting | value | default | since | meaning |\n|---|---|---|---|---|\n";
    for (const KeySpec* key : keys_below(pattern)) {
      const bool leaf = key->type != kSection && key->type != kObjects && key->type != kList &&
                        key->type != kLater;
      if (leaf) out += key_line(*key);
    }
  };
  table("", "Top", "At the head of the file.");
  for (const KeySpec& key : config_keys()) {
    if (key.type == kSection || key.type == kList) {
      table(key.path, heading_of(key), key.doc);
    } else if (key.type == kObjects) {
      table(std::string(key.path) + ".*", heading_of(key), key.doc);
    }
  }
  out += "\n## Not in this version\nThese are refused with CFG-NOT-IN-VERSION:\n\n";
  for (const KeySpec& key : config_keys()) {
    const std::string path = replace_all(replace_all(key.path, ".*", ".NAME"), "[]", "");
    if (key.type == kLater) out += fmt::format("- `{}`\n", path);
    if (!key.later.empty()) {
      for (const std::string& value : split(key.later, '|')) {
        out += fmt::format("- `{} = \"{}\"`\n", path, value);
      }
    }
  }
  return out;
}

}  // namespace vesto
