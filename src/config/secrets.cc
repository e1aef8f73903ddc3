#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "config/config.h"

namespace vesto {

namespace {

constexpr size_t kMaxSecretBytes = size_t{64} << 10;

Error missing(const ValueRef& ref, std::string what) {
  return Error(ErrorCode::kCfgSecretMissing,
               fmt::format("{}: {}", ref.origin.text(), std::move(what)));
}

Result<std::string> from_file(const ValueRef& ref) {
  errno = 0;
  std::ifstream in(ref.name, std::ios::binary);
  std::string text(kMaxSecretBytes + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.eof() && in.fail()) {
    const int code = errno == 0 ? ENOENT : errno;
    return missing(ref, fmt::format("file {} cannot be read ({})", ref.name,
                                    std::generic_category().message(code)))
        .with_hint("Make the file, readable for the user that runs Vesto.");
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxSecretBytes) {
    return missing(ref, fmt::format("file {} is larger than 64 KiB", ref.name));
  }
  // Editors end the last line; every other byte belongs to the value.
  if (text.ends_with("\r\n")) {
    text.resize(text.size() - 2);
  } else if (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

Result<std::string> resolve(const ValueRef& ref) {
  std::string value;
  switch (ref.kind) {
    case ValueRef::Kind::kNone:
      return std::string();
    case ValueRef::Kind::kText:
      return ref.name;
    case ValueRef::Kind::kEnv: {
      const char* found = std::getenv(ref.name.c_str());
      if (found == nullptr) {
        return missing(ref, fmt::format("environment variable {} is not set", ref.name))
            .with_hint(fmt::format("Set it: export {}=...", ref.name));
      }
      value = found;
      if (value.empty()) {
        return missing(ref, fmt::format("environment variable {} is empty", ref.name));
      }
      break;
    }
    case ValueRef::Kind::kFile: {
      VESTO_ASSIGN(value, from_file(ref));
      if (value.empty()) return missing(ref, fmt::format("file {} is empty", ref.name));
      break;
    }
  }
  if (value.find('\0') != std::string::npos) {
    return missing(ref, fmt::format("the value of {} holds a NUL byte", ref.name));
  }
  return value;
}

void check_reference(const ValueRef& ref, std::vector<ConfigIssue>* issues) {
  if (!ref.given()) return;
  const Result<std::string> value = resolve(ref);
  if (value.ok()) return;
  // The error's text repeats the place, which an issue has by itself.
  const std::string& text = value.error().message();
  const std::string place = ref.origin.text() + ": ";
  issues->push_back({.code = value.error().code(),
                     .origin = ref.origin,
                     .message = text.starts_with(place) ? text.substr(place.size()) : text,
                     .hint = value.error().hint()});
}

void check_ca_file(const std::string& path, const Origin& origin, const std::string& shown,
                   std::vector<ConfigIssue>* issues) {
  if (path.empty()) return;
  errno = 0;
  if (std::ifstream(path)) return;
  const int code = errno == 0 ? ENOENT : errno;
  issues->push_back({.code = ErrorCode::kCfgValue,
                     .origin = origin,
                     .message = fmt::format("{}: file {} cannot be read ({})", shown, path,
                                            std::generic_category().message(code)),
                     .hint = "Name a CA bundle that the user of Vesto can read, or leave the line "
                             "out for the system's."});
}

}  // namespace

Result<Secret> resolve_secret(const ValueRef& ref) {
  VESTO_ASSIGN(std::string value, resolve(ref));
  return Secret(std::move(value));
}

Result<std::string> resolve_text(const ValueRef& ref) { return resolve(ref); }

std::vector<ConfigIssue> check_references(const Config& config) {
  std::vector<ConfigIssue> issues;
  for (const SourceConfig& source : config.sources) {
    check_reference(source.user, &issues);
    check_reference(source.password, &issues);
    check_ca_file(source.tls_ca_file, source.tls_ca_file_origin,
                  fmt::format("source.{}.tls_ca_file", source.name), &issues);
  }
  for (const DestinationConfig& destination : config.destinations) {
    for (const ValueRef* ref :
         {&destination.user, &destination.password, &destination.access_key_id,
          &destination.secret_access_key, &destination.session_token}) {
      check_reference(*ref, &issues);
    }
    check_ca_file(destination.tls_ca_file, destination.tls_ca_file_origin,
                  fmt::format("destination.{}.tls_ca_file", destination.name), &issues);
    check_ca_file(destination.s3_tls_ca_file, destination.s3_tls_ca_file_origin,
                  fmt::format("destination.{}.staging.tls_ca_file", destination.name), &issues);
  }
  return issues;
}

}  // namespace vesto
