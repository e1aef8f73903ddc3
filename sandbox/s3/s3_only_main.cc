// vesto-sandbox-s3: the S3 endpoint with the control API, without a Redshift. For the tests with
// other people's S3 clients.
//
//   vesto-sandbox-s3 DIR [--plain] [--port N]
//
// Prints one JSON line once it serves, and ends when its standard input ends.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/ids.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "sandbox/control/control_server.h"
#include "sandbox/s3/key_ring.h"
#include "sandbox/s3/s3_server.h"

namespace vesto::sandbox {

namespace {

struct Arguments {
  std::string dir;
  bool plain = false;
  uint16_t port = 0;
};

Result<Arguments, std::string> read_arguments(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--plain") {
      arguments.plain = true;
    } else if (word == "--port" && i + 1 < count) {
      const auto port = parse_int(words[++i]);
      if (!port || *port < 0 || *port > 65535) return std::string("--port: 0 to 65535");
      arguments.port = static_cast<uint16_t>(*port);
    } else if (arguments.dir.empty() && word[0] != '-') {
      arguments.dir = word;
    } else {
      return "unknown argument " + word;
    }
  }
  if (arguments.dir.empty()) return std::string("usage: vesto-sandbox-s3 DIR [--plain] [--port N]");
  return arguments;
}

void wait_for_end_of_input() {
  char waste[256];
  while (::read(STDIN_FILENO, waste, sizeof(waste)) > 0) {
  }
}

Result<Unit, std::string> run(const Arguments& arguments) {
  if (::mkdir(arguments.dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return "cannot make " + arguments.dir + ": " + std::strerror(errno);
  }
  constexpr const char* kBucket = "vesto-demo";
  S3ServerOptions options;
  options.port = arguments.port;
  std::string ca_file;
  if (!arguments.plain) {
    VESTO_ASSIGN(const TlsMaterial material, make_tls_material(arguments.dir));
    VESTO_ASSIGN(options.tls, TlsContext::make(material));
    ca_file = material.ca_file;
  }
  VESTO_ASSIGN(auto store, make_file_object_store(arguments.dir));
  if (!store->bucket_exists(kBucket) && !store->create_bucket(kBucket, options.region).ok()) {
    return std::string("cannot make the bucket");
  }
  VESTO_ASSIGN(const AccessKey key, load_or_make_access_key(arguments.dir));
  MemoryKeyRing keys;
  keys.add(key);
  const auto faults = make_faults();
  VESTO_ASSIGN(auto server, S3Server::start(options, *store, keys, *faults));
  const std::string token = random_alphanumeric(32);
  FileObjectStore* raw = store.get();
  VESTO_ASSIGN(auto control,
               ControlServer::start(0, token, *faults, [raw]() -> Result<LeftCounts, std::string> {
                 return LeftCounts{raw->object_count(), raw->open_upload_count(), 0, 0};
               }));
  std::printf(
      "{\"url\": \"%s://localhost:%d\", \"region\": %s, \"bucket\": \"%s\", "
      "\"access_key_id\": %s, \"secret_access_key\": %s, \"ca_file\": %s, "
      "\"control\": {\"url\": \"http://127.0.0.1:%d\", \"token\": %s}}\n",
      arguments.plain ? "http" : "https", server->port(), json_quote(options.region).c_str(),
      kBucket, json_quote(key.id).c_str(), json_quote(key.secret).c_str(),
      json_quote(ca_file).c_str(), control->port(), json_quote(token).c_str());
  std::fflush(stdout);
  wait_for_end_of_input();
  return Unit{};
}

}  // namespace

}  // namespace vesto::sandbox

int main(int argc, char** argv) {
  const auto arguments = vesto::sandbox::read_arguments(argc, argv);
  const auto done = arguments.ok() ? vesto::sandbox::run(*arguments)
                                   : vesto::Result<vesto::Unit, std::string>(arguments.error());
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", done.error().c_str());
  return 1;
}
