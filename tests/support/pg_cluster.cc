#include "tests/support/pg_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

extern char** environ;

namespace vesto::testing {

namespace {

constexpr auto kStartTimeout = std::chrono::seconds(60);

std::string first_line_of(const char* command) {
  std::string out;
  FILE* pipe = ::popen(command, "r");
  if (pipe == nullptr) return out;
  std::array<char, 512> line{};
  if (::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) out = line.data();
  ::pclose(pipe);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

// As root, PostgreSQL must run as somebody else.
std::vector<std::string> as_server_user(std::vector<std::string> command) {
  std::vector<std::string> all = {"setpriv", "--pdeathsig", "INT"};
  if (::geteuid() == 0) {
    all.insert(all.end(), {"--reuid=postgres", "--regid=postgres", "--clear-groups"});
  }
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

pid_t spawn(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  if (::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid = -1;
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

bool run(const std::vector<std::string>& command, const std::string& log) {
  const pid_t pid = spawn(command, log);
  if (pid < 0) return false;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void print_file(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) std::fprintf(stderr, "  %s\n", line.c_str());
}

bool hand_over(const std::string& path) {
  if (::geteuid() != 0) return true;
  const passwd* entry = ::getpwnam("postgres");
  return entry != nullptr && ::chown(path.c_str(), entry->pw_uid, entry->pw_gid) == 0;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int port = 0;
  if (fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port = ntohs(address.sin_port);
  }
  if (fd >= 0) ::close(fd);
  return port;
}

}  // namespace

std::unique_ptr<PgCluster> PgCluster::start(const PgClusterOptions& options) {
  std::unique_ptr<PgCluster> cluster(new PgCluster);
  if (!cluster->make(options)) return nullptr;
  return cluster;
}

bool PgCluster::make(const PgClusterOptions& options) {
  bindir_ = first_line_of("pg_config --bindir");
  const char* temp = std::getenv("TMPDIR");
  // A socket's path holds 107 bytes: a long TMPDIR will not do.
  std::string pattern = temp != nullptr && std::strlen(temp) < 60 ? temp : "/tmp";
  pattern += "/vpg.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr || !hand_over(pattern)) {
    std::fprintf(stderr, "pg_cluster: no folder at %s\n", pattern.c_str());
    return false;
  }
  dir_ = pattern;
  loopback_ = options.loopback_tcp;
  port_ = free_port();
  settings_ = options.settings;
  const std::string log = dir_ + "/initdb.log";
  if (!run(as_server_user({bindir_ + "/initdb", "-D", data_dir(), "-U", user(), "-A", "trust", "-N",
                           "--no-instructions", "-E", options.encoding,
                           options.encoding == "UTF8" ? "--locale=C.UTF-8" : "--locale=C"}),
           log)) {
    std::fprintf(stderr, "pg_cluster: initdb failed\n");
    print_file(log);
    return false;
  }
  return launch();
}

bool PgCluster::launch() {
  std::vector<std::string> command = {bindir_ + "/postgres", "-D", data_dir()};
  std::vector<std::string> settings = {
      loopback_ ? "listen_addresses=127.0.0.1" : "listen_addresses=",
      "unix_socket_directories=" + dir_,
      "port=" + std::to_string(port_),
      "fsync=off",
      "full_page_writes=off",
      "synchronous_commit=off",
      "shared_buffers=32MB",
      "max_connections=60"};
  settings.insert(settings.end(), settings_.begin(), settings_.end());
  for (const std::string& setting : settings) command.insert(command.end(), {"-c", setting});
  pid_ = spawn(as_server_user(command), dir_ + "/server.log");
  const auto end = std::chrono::steady_clock::now() + kStartTimeout;
  const std::string where = "host='" + dir_ + "' port=" + std::to_string(port_);
  while (pid_ > 0 && std::chrono::steady_clock::now() < end) {
    if (PQping(where.c_str()) == PQPING_OK) return true;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::fprintf(stderr, "pg_cluster: the server did not start\n");
  print_file(dir_ + "/server.log");
  return false;
}

void PgCluster::stop(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

PgCluster::~PgCluster() {
  stop(SIGINT);
  std::error_code ignored;
  if (!dir_.empty()) std::filesystem::remove_all(dir_, ignored);
}

bool PgCluster::restart(const std::vector<std::string>& more_settings) {
  stop(SIGINT);
  settings_.insert(settings_.end(), more_settings.begin(), more_settings.end());
  return launch();
}

std::string PgCluster::sql(std::string_view statements, const std::string& database) const {
  const std::string where = "host='" + dir_ + "' port=" + std::to_string(port_) +
                            " user=" + user() +
                            " dbname=" + (database.empty() ? this->database() : database);
  PGconn* connection = PQconnectdb(where.c_str());
  PGresult* result = PQexec(connection, std::string(statements).c_str());
  std::string out;
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    out = PQerrorMessage(connection);
    if (!out.starts_with("ERROR")) out = "ERROR: " + out;
    std::fprintf(stderr, "pg_cluster: %s\n", out.c_str());
  }
  for (int r = 0; r < PQntuples(result); ++r) {
    if (r > 0) out += '\n';
    out += PQgetvalue(result, r, 0);
  }
  PQclear(result);
  PQfinish(connection);
  return out;
}

bool PgCluster::write_file(const std::string& name, const std::string& text) const {
  const std::string path = data_dir() + "/" + name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  return ::chmod(path.c_str(), 0600) == 0 && hand_over(path);
}

bool PgCluster::add_hba(const std::string& lines) const {
  std::ifstream in(data_dir() + "/pg_hba.conf");
  const std::string old((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!write_file("pg_hba.conf", lines + "\n" + old)) return false;
  return sql("SELECT pg_reload_conf()") == "t";
}

}  // namespace vesto::testing
