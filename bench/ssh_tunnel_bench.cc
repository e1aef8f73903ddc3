// Opens a tunnel and keeps it until its input ends: bench/ssh_tunnel.py measures through it.
// ssh_tunnel_bench SSH_PORT USER FINGERPRINT KEY_FILE TARGET_PORT: prints the local port.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "base/strings.h"
#include "net/ssh_tunnel.h"

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  std::ifstream file(argv[4]);
  std::stringstream key;
  key << file.rdbuf();
  vesto::SshOptions options;
  options.host = "127.0.0.1";
  options.port = static_cast<int>(vesto::parse_int(argv[1]).value_or(0));
  options.user = argv[2];
  options.host_key = argv[3];
  options.private_key = vesto::Secret(key.str());
  vesto::SshTunnel tunnel(options);
  const auto port = static_cast<int>(vesto::parse_int(argv[5]).value_or(0));
  const auto route = tunnel.dial("127.0.0.1", port, 20'000, {});
  if (!route.ok()) {
    std::fprintf(stderr, "%s\n", route.error().to_string().c_str());
    return 1;
  }
  std::printf("%d\n", route->port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
