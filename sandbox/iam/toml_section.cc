#include "sandbox/iam/toml_section.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sandbox/iam/condition_keys.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

// Depth is bounded by find_deep_toml. Dates become texts.
Json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json out = Json::object();
    for (const auto& [key, value] : *table) out[std::string(key.str())] = to_json(value);
    return out;
  }
  if (const auto* array = node.as_array()) {
    Json out = Json::array();
    for (const toml::node& item : *array) out.push_back(to_json(item));
    return out;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  return {};  // a date: null, which no policy takes
}

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

}  // namespace

void TomlProblems::add(int line, std::string_view message) {
  if (first_) return;
  first_ = line > 0 ? fmt::format("{}:{}: {}", file_, line, message)
                    : fmt::format("{}: {}", file_, message);
}

const toml::node* TomlSection::find(const char* name, bool required) {
  known_.insert(name);
  const toml::node* node = table_.get(name);
  if (node == nullptr && required) fail(fmt::format("{} is missing", name));
  return node;
}

std::string TomlSection::text(const char* name, bool required) {
  const toml::node* node = find(name, required);
  if (node == nullptr) return {};
  const auto* value = node->as_string();
  if (value == nullptr || (required && value->get().empty())) {
    fail_at(*node, fmt::format("{} must be a text{}", name, required ? ", not empty" : ""));
    return {};
  }
  return value->get();
}

int64_t TomlSection::integer(const char* name, int64_t otherwise, int64_t least, int64_t most) {
  const toml::node* node = find(name, false);
  if (node == nullptr) return otherwise;
  const auto* value = node->as_integer();
  if (value == nullptr || value->get() < least || value->get() > most) {
    fail_at(*node, fmt::format("{} must be a whole number from {} to {}", name, least, most));
    return otherwise;
  }
  return value->get();
}

bool TomlSection::flag(const char* name, bool otherwise) {
  const toml::node* node = find(name, false);
  if (node == nullptr) return otherwise;
  const auto* value = node->as_boolean();
  if (value == nullptr) {
    fail_at(*node, fmt::format("{} must be true or false", name));
    return otherwise;
  }
  return value->get();
}

std::vector<std::string> TomlSection::texts(const char* name, size_t most) {
  std::vector<std::string> out;
  const toml::node* node = find(name, false);
  if (node == nullptr) return out;
  const auto* array = node->as_array();
  if (array == nullptr || array->size() > most) {
    fail_at(*node, fmt::format("{} must be a list of at most {} texts", name, most));
    return out;
  }
  for (const toml::node& item : *array) {
    if (const auto* value = item.as_string()) {
      out.push_back(value->get());
    } else {
      fail_at(item, fmt::format("{} must list texts", name));
    }
  }
  return out;
}

std::map<std::string, std::string> TomlSection::text_map(const char* name, size_t most) {
  std::map<std::string, std::string> out;
  const toml::node* node = find(name, false);
  if (node == nullptr) return out;
  const auto* table = node->as_table();
  if (table == nullptr || table->size() > most) {
    fail_at(*node, fmt::format("{} must be a table of at most {} texts", name, most));
    return out;
  }
  for (const auto& [key, value] : *table) {
    if (const auto* one = value.as_string()) {
      out.emplace(std::string(key.str()), one->get());
    } else {
      fail_at(value, fmt::format("{} must hold texts", name));
    }
  }
  return out;
}

std::optional<IamPolicy> TomlSection::policy_of(const toml::node& node, PolicyKind kind) {
  std::string json;
  if (const auto* value = node.as_string()) {
    json = value->get();
  } else if (node.is_table()) {
    json = to_json(node).dump(-1, ' ', false, Json::error_handler_t::replace);
  } else {
    fail_at(node, "a policy must be JSON in a text, or a table");
    return std::nullopt;
  }
  auto parsed = parse_working_policy(json, kind);
  if (!parsed.ok()) {
    fail_at(node, fmt::format("{} ({})", parsed.error().text, parsed.error().detail));
    return std::nullopt;
  }
  return std::move(parsed).value();
}

std::optional<IamPolicy> TomlSection::policy(const char* name, PolicyKind kind, bool required) {
  const toml::node* node = find(name, required);
  if (node == nullptr) return std::nullopt;
  return policy_of(*node, kind);
}

std::vector<std::pair<std::string, IamPolicy>> TomlSection::policies(const char* name,
                                                                     size_t most) {
  std::vector<std::pair<std::string, IamPolicy>> out;
  const toml::node* node = find(name, false);
  if (node == nullptr) return out;
  const auto* array = node->as_array();
  if (array == nullptr || array->size() > most) {
    fail_at(*node, fmt::format("{} must be a list of at most {} policies", name, most));
    return out;
  }
  for (const toml::node& item : *array) {
    std::string policy_name = fmt::format("policy-{}", out.size() + 1);
    std::optional<IamPolicy> policy;
    const auto* table = item.as_table();
    if (table != nullptr && table->contains("document")) {
      TomlSection named(*table, problems_);
      policy_name = named.text("name", true);
      policy = named.policy("document", PolicyKind::kIdentity, true);
      named.finish();
    } else {
      policy = policy_of(item, PolicyKind::kIdentity);
    }
    for (const auto& [other, _] : out) {
      if (other == policy_name) fail_at(item, "two policies have the name " + policy_name);
    }
    if (policy) out.emplace_back(std::move(policy_name), *std::move(policy));
  }
  return out;
}

std::vector<const toml::table*> TomlSection::tables(const char* name, size_t most) {
  std::vector<const toml::table*> out;
  const toml::node* node = find(name, false);
  if (node == nullptr) return out;
  const auto* array = node->as_array();
  if (array == nullptr || array->size() > most) {
    fail_at(*node, fmt::format("{} must be a list of at most {} tables", name, most));
    return out;
  }
  for (const toml::node& item : *array) {
    if (const auto* table = item.as_table()) {
      out.push_back(table);
    } else {
      fail_at(item, fmt::format("{} must list tables", name));
    }
  }
  return out;
}

void TomlSection::finish() {
  for (const auto& [key, value] : table_) {
    if (known_.find(key.str()) == known_.end()) {
      problems_.add(static_cast<int>(key.source().begin.line),
                    fmt::format("unknown key {}", std::string(key.str())));
    }
  }
}

void TomlSection::fail_key(const char* name, std::string_view message) {
  const toml::node* node = table_.get(name);
  fail_at(node == nullptr ? table_ : *node, fmt::format("{}: {}", name, message));
}

void TomlSection::fail_at(const toml::node& node, std::string_view message) {
  problems_.add(line_of(node), message);
}

}  // namespace vesto::sandbox
