#include "sandbox/cluster/cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/cluster/bootstrap.h"
#include "sandbox/cluster/private_file.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kStartLimitMs = 60'000;
constexpr int64_t kStopLimitMs = 30'000;
constexpr int64_t kLeftoverLimitMs = 10'000;  // for each of SIGINT, SIGQUIT, SIGKILL
constexpr int64_t kPollMs = 10;
constexpr int kLaunchAttempts = 3;  // backends of a killed postmaster need a moment to go

namespace fs = std::filesystem;

std::string last_lines(const std::string& file) {
  const std::string text = read_small_text(file);
  const std::vector<std::string> lines = split(trim(text), '\n');
  const size_t first = lines.size() > 5 ? lines.size() - 5 : 0;
  return join({lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end()}, "\n");
}

// A process works in its data directory: a pid that was given to another program is not taken for
// the cluster's. A zombie has no working directory and counts as gone.
bool runs_in(pid_t pid, const std::string& dir) {
  std::error_code problem;
  const fs::path cwd = fs::read_symlink("/proc/" + std::to_string(pid) + "/cwd", problem);
  return !problem && fs::equivalent(cwd, dir, problem) && !problem;
}

void sleep_ms(int64_t duration_ms) { system_clock().sleep_ms(duration_ms, {}); }

bool wait_gone(pid_t pid, const std::string& dir, int64_t limit_ms) {
  const int64_t end = system_clock().monotonic_ms() + limit_ms;
  while (runs_in(pid, dir)) {
    if (system_clock().monotonic_ms() > end) return false;
    sleep_ms(kPollMs);
  }
  return true;
}

std::string settings_text(const ClusterOptions& options) {
  std::string text =
      "listen_addresses = ''\n"
      "max_connections = 220\n"
      "shared_buffers = 64MB\n"
      "max_wal_size = 2GB\n"
      "deadlock_timeout = 100ms\n"
      "max_locks_per_transaction = 256\n"
      "max_pred_locks_per_transaction = 1024\n"
      "max_pred_locks_per_relation = 0\n"  // SSI on whole tables, as Redshift's
      "password_encryption = md5\n"
      "timezone = 'UTC'\n"
      "log_timezone = 'UTC'\n"
      "datestyle = 'ISO, MDY'\n"
      "jit = off\n"
      "enable_mergejoin = off\n"  // of a stage and its target it sorted the target, on disk
      "logging_collector = off\n"
      "log_min_messages = warning\n"
      "log_min_error_statement = panic\n"  // statements hold customers' data and COPY's keys
      "autovacuum_naptime = 30s\n";
  if (options.no_sync) {
    text += "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n";
  }
  return text;
}

}  // namespace

std::string PgCluster::path(std::string_view name) const {
  return options_.dir + "/" + std::string(name);
}

Result<std::unique_ptr<PgCluster>, std::string> PgCluster::start(const ClusterOptions& options) {
  std::unique_ptr<PgCluster> cluster(new PgCluster(options));
  VESTO_TRY(find_pg_bindir(&cluster->bindir_));
  VESTO_TRY(cluster->take_lock());
  VESTO_TRY(cluster->end_leftover());
  VESTO_ASSIGN(cluster->identity_, choose_identity(options.dir));
  VESTO_TRY(cluster->make_socket_dir());
  VESTO_TRY(cluster->init_cluster());
  VESTO_TRY(cluster->launch());
  VESTO_TRY(cluster->prepare_catalogue());
  return cluster;
}

PgCluster::~PgCluster() {
  stop();
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Result<Unit, std::string> PgCluster::take_lock() {
  const std::string file = path("lock");
  lock_fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return "cannot write in " + options_.dir + ": " + std::strerror(errno);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return "another vesto-sandbox is running on " + options_.dir;
  }
  if (!options_.stale_file.empty()) ::unlink(options_.stale_file.c_str());
  return Unit{};
}

Result<Unit, std::string> PgCluster::end_leftover() {
  const std::string old_socket = read_small_text(path("pg.socket"));
  std::error_code ignored;
  const std::string data = path("pg");
  const std::vector<std::string> lines = split(read_small_text(data + "/postmaster.pid"), '\n');
  const int64_t pid = parse_int(trim(lines.front())).value_or(0);
  if (pid > 1 && runs_in(static_cast<pid_t>(pid), data)) {
    bool gone = false;
    for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
      ::kill(static_cast<pid_t>(pid), signal);
      gone = wait_gone(static_cast<pid_t>(pid), data, kLeftoverLimitMs);
      if (gone) break;
    }
    if (!gone) return "the database process " + std::to_string(pid) + " of an earlier run stays";
  }
  end_leftover_children();
  if (fs::path(old_socket).filename().string().starts_with("vesto-pg-")) {
    fs::remove_all(old_socket, ignored);
  }
  return Unit{};
}

// initdb of a first start that was killed, its helpers, backends whose postmaster was killed.
void PgCluster::end_leftover_children() {
  const std::string data = path("pg");
  const auto belongs = [&](pid_t pid) {
    const std::string words = read_small_text("/proc/" + std::to_string(pid) + "/cmdline");
    const std::string initdb = bindir_ + "/initdb" + '\0' + "-D" + '\0' + data + '\0';
    return words.starts_with(initdb) || runs_in(pid, data);
  };
  const int64_t end = system_clock().monotonic_ms() + kLeftoverLimitMs;
  bool found = true;
  while (found && system_clock().monotonic_ms() < end) {
    found = false;
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator("/proc", problem)) {
      const int64_t pid = parse_int(entry.path().filename().string()).value_or(0);
      if (pid <= 1 || !belongs(static_cast<pid_t>(pid))) continue;
      found = true;
      ::kill(static_cast<pid_t>(pid), SIGKILL);
    }
    if (found) sleep_ms(kPollMs);
  }
}

Result<Unit, std::string> PgCluster::make_socket_dir() {
  // Short: the path of a Unix socket holds 107 bytes.
  std::string dir = "/tmp/vesto-pg-XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) {
    return std::string("cannot make a directory in /tmp: ") + std::strerror(errno);
  }
  address_.socket_dir = dir;
  if (!write_private_text(path("pg.socket"), dir)) return "cannot write " + path("pg.socket");
  return make_private_dir(dir, identity_);
}

Result<Unit, std::string> PgCluster::init_cluster() {
  const std::string data = path("pg");
  std::error_code problem;
  if (!fs::exists(path("pg.ready"), problem)) {
    // A first start that was cut short: nobody has put anything in yet.
    fs::remove_all(data, problem);
    VESTO_TRY(make_private_dir(data, identity_));
    VESTO_ASSIGN(const pid_t pid,
                 spawn({bindir_ + "/initdb", "-D", data, "-U", std::string(kAdminRole), "-A",
                        "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8"},
                       identity_, path("pg.log")));
    if (wait_for_exit(pid) != 0) return "initdb failed:\n" + last_lines(path("pg.log"));
  }
  const std::string conf = data + "/vesto.conf";
  if (!write_private_text(conf, settings_text(options_))) return "cannot write " + conf;
  if (identity_.kind == PgIdentity::Kind::kUser &&
      ::chown(conf.c_str(), identity_.uid, identity_.gid) != 0) {
    return "cannot give " + conf + " to another user";
  }
  const std::string main_conf = data + "/postgresql.conf";
  if (read_small_text(main_conf).find("include 'vesto.conf'") == std::string::npos) {
    std::ofstream out(main_conf, std::ios::app);
    out << "\ninclude 'vesto.conf'\n";
    out.close();
    if (!out.good()) return "cannot write " + main_conf;
  }
  return Unit{};
}

Result<Unit, std::string> PgCluster::launch() {
  for (int attempt = 1;; ++attempt) {
    VESTO_ASSIGN(pid_, spawn({bindir_ + "/postgres", "-D", path("pg"), "-k", address_.socket_dir,
                              "-p", std::to_string(address_.port)},
                             identity_, path("pg.log")));
    Result<Unit, std::string> ready = wait_until_ready();
    if (ready.ok() || attempt == kLaunchAttempts) return ready;
    stop();
    sleep_ms(500);
    VESTO_TRY(make_socket_dir());
  }
}

Result<Unit, std::string> PgCluster::wait_until_ready() {
  const int64_t end = system_clock().monotonic_ms() + kStartLimitMs;
  while (system_clock().monotonic_ms() < end) {
    if (exited()) return "the database did not start:\n" + last_lines(path("pg.log"));
    if (connect_admin("template1").ok()) return Unit{};
    sleep_ms(kPollMs);
  }
  return std::string("the database did not answer within 60 s");
}

Result<Unit, std::string> PgCluster::prepare_catalogue() {
  const std::string ready = path("pg.ready");
  const std::string found = read_small_text(ready);
  if (found == bootstrap_version()) return Unit{};
  {
    auto link = connect_admin("template1");
    if (!link.ok()) return link.error().message;
    VESTO_TRY(run_bootstrap(link->get(), found.empty()));
  }
  auto link = connect_admin("postgres");
  if (!link.ok()) return link.error().message;
  if (found.empty()) {
    // PostgreSQL 15 took CREATE on public from everybody; Redshift grants it.
    for (const char* sql : {"CREATE DATABASE dev TEMPLATE template1",
                            "GRANT CONNECT, TEMPORARY ON DATABASE dev TO PUBLIC"}) {
      if (auto error = (*link)->query(sql, nullptr)) return error->message;
    }
  }
  auto names = (*link)->rows(
      "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'");
  if (!names.ok()) return names.error().message;
  for (const auto& row : *names) {
    auto database = connect_admin(row.at(0).value_or(""));
    if (!database.ok()) return database.error().message;
    if (!found.empty()) VESTO_TRY(run_bootstrap(database->get(), false));
    (*database)->query("GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC", nullptr);
  }
  if (!write_private_text(ready, bootstrap_version())) return "cannot write " + ready;
  return Unit{};
}

bool PgCluster::exited() {
  if (pid_ == 0) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

void PgCluster::stop() {
  if (pid_ != 0) {
    for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
      ::kill(pid_, signal);
      const int64_t end = system_clock().monotonic_ms() + kStopLimitMs;
      while (!exited() && system_clock().monotonic_ms() < end) sleep_ms(kPollMs);
      if (pid_ == 0) break;
    }
  }
  if (!address_.socket_dir.empty()) {
    std::error_code ignored;
    fs::remove_all(address_.socket_dir, ignored);
    address_.socket_dir.clear();
  }
}

Result<std::unique_ptr<PgLink>, ErrorFields> PgCluster::connect_admin(
    std::string_view database) const {
  return PgLink::connect(address_, std::string(kAdminRole), std::string(database),
                         {{"standard_conforming_strings", "on"},
                          {"application_name", "vesto-sandbox"},
                          {"client_encoding", "UTF8"}});
}

}  // namespace vesto::sandbox
