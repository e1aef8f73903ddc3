#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/strings.h"
#include "config/config.h"
#include "config/open_files.h"

namespace vesto {

namespace {

Error missing(const ValueRef& ref, std::string what) {
  return Error(ErrorCode::kCfgSecretMissing,
               fmt::format("{}: {}", ref.origin.text(), std::move(what)));
}

struct Opened {
  int file = -1;          // the caller closes it
  std::string why = {};   // there is none
  bool is_other = false;  // a pipe, a device, a socket
};

// An ordinary file and nothing else: a pipe without a writer would be waited for, for ever, and one
// with a writer gives its bytes once, while what stands here is read again and again.
Opened open_ordinary(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat about {};
  if (file < 0 || ::fstat(file, &about) != 0 || S_ISDIR(about.st_mode)) {
    const int code = S_ISDIR(about.st_mode) ? EISDIR : errno;
    if (file >= 0) ::close(file);
    return {.why = std::generic_category().message(code)};
  }
  if (S_ISREG(about.st_mode)) return {.file = file};
  ::close(file);
  return {.why = "it is no ordinary file", .is_other = true};
}

// Reads through no buffer but `text`, which its owner wipes.
Status from_file(const ValueRef& ref, std::string* text) {
  const auto unreadable = [&ref](const std::string& why) -> Error {
    return missing(ref, fmt::format("file {} cannot be read ({})", ref.name, why));
  };
  const Opened opened = open_ordinary(ref.name);
  if (opened.is_other) {
    return unreadable(opened.why)
        .with_hint(
            "Name an ordinary file, readable for the user that runs Vesto. A pipe (/dev/stdin, "
            "/dev/fd/N, the shell's <(...)) gives a secret once, and it is read more often.");
  }
  constexpr const char* kMake = "Make the file, readable for the user that runs Vesto.";
  if (opened.file < 0) return unreadable(opened.why).with_hint(kMake);
  const int file = opened.file;
  text->resize(kMaxSecretBytes + 1);  // one more byte shows that it is too large
  size_t size = 0;
  int failed = 0;
  while (size < text->size()) {
    const ssize_t got = ::read(file, text->data() + size, text->size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failed = errno;
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  ::close(file);
  if (failed != 0) {
    return unreadable(std::generic_category().message(failed)).with_hint(kMake);
  }
  text->resize(size);
  if (text->size() > kMaxSecretBytes) {
    return missing(ref, fmt::format("file {} is larger than 64 KiB", ref.name));
  }
  drop_line_end(text);
  return ok_status();
}

// The error of the store at the place of the reference, under its own code and hint.
Error placed(const ValueRef& ref, const Error& error) {
  Error out(error.code(), fmt::format("{}: {}", ref.origin.text(), error.message()));
  out.with_hint(error.hint());
  out.with_upstream(error.upstream());
  return out;
}

// The value of a reference to the environment or a file.
Status read_value(const ValueRef& ref, std::string* value) {
  if (ref.kind == ValueRef::Kind::kEnv) {
    const char* found = std::getenv(ref.name.c_str());
    if (found == nullptr) {
      return missing(ref, fmt::format("environment variable {} is not set", ref.name))
          .with_hint(fmt::format("Set it: export {}=...", ref.name));
    }
    *value = found;
    if (value->empty()) {
      return missing(ref, fmt::format("environment variable {} is empty", ref.name));
    }
  } else {
    VESTO_TRY(from_file(ref, value));
    if (value->empty()) return missing(ref, fmt::format("file {} is empty", ref.name));
  }
  if (value->find('\0') != std::string::npos) {
    return missing(ref, fmt::format("the value of {} holds a NUL byte", ref.name));
  }
  return ok_status();
}

void check_reference(const ValueRef& ref, const SealedStore& store,
                     std::vector<ConfigIssue>* issues) {
  if (!ref.given()) return;
  const Result<Secret> value = resolve_secret(ref, store);
  if (value.ok()) return;
  // The error's text repeats the place, which an issue has by itself.
  const std::string& text = value.error().message();
  const std::string place = ref.origin.text() + ": ";
  issues->push_back({.code = value.error().code(),
                     .origin = ref.origin,
                     .message = text.starts_with(place) ? text.substr(place.size()) : text,
                     .hint = value.error().hint()});
}

// `shown`: "destination.acme". Vesto's own key is made by a command.
void check_ssh(const SshConfig& ssh, const std::string& shown, const SealedStore& store,
               std::vector<ConfigIssue>* issues) {
  if (!ssh.given) return;
  const size_t before = issues->size();
  check_reference(ssh.key, store, issues);
  if (ssh.own_key && issues->size() > before && issues->back().code == ErrorCode::kSecMissing) {
    issues->back().message = shown + ".ssh: no key has been made yet";
    issues->back().hint = "vesto ssh-key " + shown;
  }
  check_reference(ssh.passphrase, store, issues);
}

void check_file(const std::string& path, const Origin& origin, const std::string& shown,
                const std::string& hint, std::vector<ConfigIssue>* issues) {
  if (path.empty()) return;
  const Opened opened = open_ordinary(path);
  if (opened.file >= 0) ::close(opened.file);
  if (opened.why.empty()) return;
  issues->push_back(
      {.code = ErrorCode::kCfgValue,
       .origin = origin,
       .message = fmt::format("{}: file {} cannot be read ({})", shown, path, opened.why),
       .hint = hint});
}

void check_ca_file(const std::string& path, const Origin& origin, const std::string& shown,
                   std::vector<ConfigIssue>* issues) {
  check_file(path, origin, shown,
             "Name a CA bundle that the user of Vesto can read, or leave the line out for the "
             "system's.",
             issues);
}

// Whether everybody on this machine comes to the file, and may read or change it. What a group may
// is its owner's choice. A mount that is read-only for us is made by whoever runs the container
// (Kubernetes: mode 0644, if nobody says otherwise), and nobody else is in there.
bool is_open_to_all(const std::string& name) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::canonical(name, failed);
  struct stat about {};
  struct statvfs mount {};
  if (failed || ::stat(path.c_str(), &about) != 0 || ::statvfs(path.c_str(), &mount) != 0) {
    return false;  // others tell that it cannot be read
  }
  if (!S_ISREG(about.st_mode) || (about.st_mode & (S_IROTH | S_IWOTH)) == 0) return false;
  if ((mount.f_flag & ST_RDONLY) != 0) return false;
  for (auto dir = path.parent_path();; dir = dir.parent_path()) {
    if (::stat(dir.c_str(), &about) != 0 || (about.st_mode & S_IXOTH) == 0) return false;
    if (dir == dir.root_path()) return true;
  }
}

void add_open_file(const std::string& path, const Origin& origin,
                   std::vector<ConfigIssue>* issues) {
  if (path.empty() || !is_open_to_all(path)) return;
  issues->push_back(
      {.code = ErrorCode::kCfgValue,
       .origin = origin,
       .message = fmt::format("everybody on this machine may read or change the file {}", path),
       .hint = "chmod o-rwx that file, and make another secret if somebody may have read it."});
}

}  // namespace

std::vector<ConfigIssue> open_secret_files(const Config& config) {
  std::vector<const ValueRef*> refs;
  for (const SourceConfig& source : config.sources) {
    refs.insert(refs.end(), {&source.password, &source.ssh.key, &source.ssh.passphrase});
  }
  for (const DestinationConfig& to : config.destinations) {
    refs.insert(refs.end(), {&to.auth.password, &to.auth.secret_access_key, &to.auth.session_token,
                             &to.ssh.key, &to.ssh.passphrase});
  }
  if (config.google.source == "key_file") refs.push_back(&config.google.key);
  std::vector<ConfigIssue> issues;
  for (const ValueRef* ref : refs) {
    if (ref->kind == ValueRef::Kind::kFile) add_open_file(ref->name, ref->origin, &issues);
  }
  add_open_file(config.google.token_file, config.google.token_file_origin, &issues);
  return issues;
}

Result<Secret> resolve_secret(const ValueRef& ref, const SealedStore& store) {
  if (ref.kind == ValueRef::Kind::kNone) return Secret(std::string());
  if (ref.kind == ValueRef::Kind::kText) return Secret(ref.name);
  if (ref.kind == ValueRef::Kind::kSecret) {
    Result<Secret> value = store.get(ref.name);
    if (!value.ok()) return placed(ref, value.error());
    return value;
  }
  WipedString value;
  VESTO_TRY(read_value(ref, &value.text));
  return Secret(std::move(value.text));
}

Result<std::string> resolve_text(const ValueRef& ref, const SealedStore& store) {
  // A text may stand in messages: it is no secret, and is not held as one.
  if (ref.kind == ValueRef::Kind::kText) return ref.name;
  VESTO_ASSIGN(const Secret value, resolve_secret(ref, store));
  return value.reveal();
}

std::vector<ConfigIssue> check_references(const Config& config, const SealedStore& store) {
  std::vector<ConfigIssue> issues;
  for (const SourceConfig& source : config.sources) {
    check_reference(source.user, store, &issues);
    check_reference(source.password, store, &issues);
    check_ssh(source.ssh, "source." + source.name, store, &issues);
    check_ca_file(source.tls_ca_file, source.tls_ca_file_origin,
                  fmt::format("source.{}.tls_ca_file", source.name), &issues);
  }
  const GoogleIdentityConfig& google = config.google;
  if (google.source == "key_file") check_reference(google.key, store, &issues);
  check_ca_file(google.tls_ca_file, google.tls_ca_file_origin, "identity.google.tls_ca_file",
                &issues);
  check_file(google.token_file, google.token_file_origin, "identity.google.token_file",
             "Have what writes the token put it there, readable for the user that runs Vesto.",
             &issues);
  for (const DestinationConfig& destination : config.destinations) {
    for (const ValueRef* ref :
         {&destination.auth.user, &destination.auth.password, &destination.auth.access_key_id,
          &destination.auth.secret_access_key, &destination.auth.session_token}) {
      check_reference(*ref, store, &issues);
    }
    check_ssh(destination.ssh, "destination." + destination.name, store, &issues);
    check_ca_file(destination.tls_ca_file, destination.tls_ca_file_origin,
                  fmt::format("destination.{}.tls_ca_file", destination.name), &issues);
    check_ca_file(destination.s3_tls_ca_file, destination.s3_tls_ca_file_origin,
                  fmt::format("destination.{}.staging.tls_ca_file", destination.name), &issues);
  }
  return issues;
}

}  // namespace vesto
