#include "sandbox/wire/startup.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/wire/message.h"

namespace vesto::sandbox {

namespace {

constexpr int32_t kProtocol3 = 3 << 16;
constexpr int32_t kCancelCode = 1234 << 16 | 5678;
constexpr int32_t kTlsCode = 1234 << 16 | 5679;
constexpr int32_t kGssCode = 1234 << 16 | 5680;

// Sent by AWS's and other drivers; they change nothing here.
constexpr std::array<std::string_view, 12> kSwallowed = {"client_protocol_version",
                                                         "driver_version",
                                                         "os_version",
                                                         "driver_discovery_version",
                                                         "plugin_name",
                                                         "replication",
                                                         "client_encoding",
                                                         "client_min_messages",
                                                         "idp_type",
                                                         "provider_name",
                                                         "token_type",
                                                         "extra_info"};

// What a client may set at start-up: Redshift's own settings of this name do the same.
constexpr std::array<std::string_view, 9> kSettable = {"application_name",
                                                       "search_path",
                                                       "statement_timeout",
                                                       "datestyle",
                                                       "timezone",
                                                       "extra_float_digits",
                                                       "query_group",
                                                       "enable_case_sensitive_identifier",
                                                       "wlm_query_slot_count"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

SqlError malformed() { return {"08P01", "invalid startup packet layout"}; }

}  // namespace

SqlResult<StartupPacket> parse_startup(std::string_view packet) {
  FieldReader reader(packet);
  const int32_t code = reader.int32();
  StartupPacket start;
  if (!reader.ok()) return malformed();
  if (code == kTlsCode || code == kGssCode) {
    start.kind = code == kTlsCode ? StartupPacket::Kind::kTls : StartupPacket::Kind::kGss;
    return start;
  }
  if (code == kCancelCode) {
    start.kind = StartupPacket::Kind::kCancel;
    start.cancel_body = reader.bytes(8);
    if (!reader.ok()) return malformed();
    return start;
  }
  if (code >> 16 != kProtocol3 >> 16) {
    return SqlError{"0A000", "unsupported frontend protocol " + std::to_string(code >> 16) + "." +
                                 std::to_string(code & 0xffff) + ": server supports 1.0 to 3.0"};
  }
  while (true) {
    const std::string_view name = reader.text();
    if (!reader.ok()) return malformed();
    if (name.empty()) break;
    const std::string_view value = reader.text();
    if (!reader.ok()) return malformed();
    if (name == "user") {
      start.user = value;
    } else if (name == "database") {
      start.database = value;
    } else {
      start.parameters.emplace_back(name, value);
    }
  }
  if (!reader.at_end()) return malformed();
  if (start.user.empty()) return SqlError{"28000", "no user name specified in startup packet"};
  if (start.database.empty()) start.database = start.user;
  return start;
}

std::optional<Settings> parse_options(std::string_view options) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  for (size_t i = 0; i <= options.size(); ++i) {
    const bool end = i == options.size();
    if (end || options[i] == ' ' || options[i] == '\t' || options[i] == '\n') {
      if (inside) words.push_back(word);
      word.clear();
      inside = false;
      continue;
    }
    if (options[i] == '\\' && i + 1 < options.size()) ++i;
    word.push_back(options[i]);
    inside = true;
  }
  Settings settings;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view text = words[i];
    if (text == "-c") {
      if (++i == words.size()) return std::nullopt;
      text = words[i];
    } else if (text.starts_with("--") || text.starts_with("-c")) {
      text.remove_prefix(2);
    } else {
      return std::nullopt;
    }
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    std::string name(text.substr(0, equals));
    std::replace(name.begin(), name.end(), '-', '_');
    settings.emplace_back(std::move(name), text.substr(equals + 1));
  }
  return settings;
}

SqlResult<Settings> startup_settings(const Settings& parameters) {
  Settings all;
  for (const auto& [name, value] : parameters) {
    if (name != "options") {
      all.emplace_back(name, value);
      continue;
    }
    const std::optional<Settings> options = parse_options(value);
    if (!options) {
      return SqlError{"42601", "invalid command-line argument for server process: " + value};
    }
    all.insert(all.end(), options->begin(), options->end());
  }
  Settings known;
  for (const auto& [given, value] : all) {
    const std::string name = to_lower_ascii(given);
    if (contains(kSettable, name)) {
      known.emplace_back(name, value);
    } else if (!contains(kSwallowed, name) && !name.starts_with("_pq_.")) {
      return SqlError{"42704", "unrecognized configuration parameter \"" + given + "\""};
    }
  }
  return known;
}

std::string md5_answer(std::string_view stored, std::string_view salt) {
  if (!stored.starts_with("md5")) return {};
  const std::string text = std::string(stored.substr(3)) + std::string(salt);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
    return {};
  }
  return "md5" + to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace vesto::sandbox
