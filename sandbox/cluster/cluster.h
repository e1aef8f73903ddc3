// The private PostgreSQL 15 cluster of one data directory: made at the first start, started and
// stopped with the sandbox, and found again when the sandbox was killed.
//
// Files: DIR/pg (the cluster), DIR/pg.ready (version of the catalogue), DIR/pg.log, DIR/pg.socket
// (path of the socket directory), DIR/lock (held while a sandbox runs).
// Thread rule: start, stop and exited from the main thread; connect_admin and address from any.
#ifndef VESTO_SANDBOX_CLUSTER_CLUSTER_H_
#define VESTO_SANDBOX_CLUSTER_CLUSTER_H_

#include <memory>
#include <string>

#include "sandbox/cluster/pg_process.h"
#include "sandbox/wire/pg_link.h"

namespace vesto::sandbox {

inline constexpr std::string_view kAdminRole = "rdsdb";  // the superuser; no client logs in as it
inline constexpr std::string_view kDatabase = "dev";

struct ClusterOptions {
  std::string dir;       // exists
  bool no_sync = false;  // for tests: a crash of the machine may lose or break the cluster
  // Removed once the directory's lock is held: a file of an earlier run that would mislead people.
  std::string stale_file = {};
};

class PgCluster {
 public:
  // Takes the directory's lock, ends what an earlier run left, makes the cluster where there is
  // none, starts it and waits until it answers (60 s at most). Errors are for the person who
  // starts the sandbox.
  static Result<std::unique_ptr<PgCluster>, std::string> start(const ClusterOptions& options);
  ~PgCluster();  // stops it
  PgCluster(const PgCluster&) = delete;
  PgCluster& operator=(const PgCluster&) = delete;

  // Ends every session and stops (30 s at most, then without mercy). Idempotent.
  void stop();
  // The process ended by itself.
  bool exited();

  [[nodiscard]] const PgAddress& address() const { return address_; }
  // A superuser's connection.
  [[nodiscard]] Result<std::unique_ptr<PgLink>, ErrorFields> connect_admin(
      std::string_view database = kDatabase) const;

 private:
  explicit PgCluster(ClusterOptions options) : options_(std::move(options)) {}
  Result<Unit, std::string> take_lock();
  Result<Unit, std::string> end_leftover();
  void end_leftover_children();
  Result<Unit, std::string> make_socket_dir();
  Result<Unit, std::string> init_cluster();
  Result<Unit, std::string> launch();
  Result<Unit, std::string> wait_until_ready();
  Result<Unit, std::string> prepare_catalogue();
  [[nodiscard]] std::string path(std::string_view name) const;

  ClusterOptions options_;
  PgIdentity identity_;
  std::string bindir_;
  PgAddress address_;
  int lock_fd_ = -1;
  pid_t pid_ = 0;  // 0: not running
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CLUSTER_CLUSTER_H_
