// A private PostgreSQL cluster for tests: made by initdb in a folder of its own under the temporary
// directory, listening on a Unix socket there (and on a loopback port where asked), removed at
// the end. Works as root too: the server then runs as the user postgres. The server dies with the
// process that started it.
//
//   static PgCluster* cluster = PgCluster::start().release();   // once for a test program
//   cluster->sql("CREATE TABLE t (id int)");
//   options.host = cluster->socket_dir(); options.port = cluster->port();
#ifndef VESTO_TESTS_SUPPORT_PG_CLUSTER_H_
#define VESTO_TESTS_SUPPORT_PG_CLUSTER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vesto::testing {

struct PgClusterOptions {
  std::string encoding = "UTF8";
  bool loopback_tcp = false;               // listen on 127.0.0.1 too, at port()
  std::vector<std::string> settings = {};  // "name=value", as for postgres -c
};

class PgCluster {
 public:
  // nullptr, with the reason on stderr, if it cannot be made.
  static std::unique_ptr<PgCluster> start(const PgClusterOptions& options = {});
  ~PgCluster();
  PgCluster(const PgCluster&) = delete;
  PgCluster& operator=(const PgCluster&) = delete;

  [[nodiscard]] const std::string& socket_dir() const { return dir_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string data_dir() const { return dir_ + "/data"; }
  [[nodiscard]] std::string user() const { return "tester"; }  // superuser, trusted on the socket
  [[nodiscard]] std::string database() const { return "postgres"; }

  // Runs statements as the superuser in `database` ("": postgres); the first column of the last
  // one's rows, a line each. On an error: "ERROR: ...", and the text on stderr.
  std::string sql(std::string_view statements, const std::string& database = "") const;

  // Appends lines to pg_hba.conf, before all others, and reloads.
  bool add_hba(const std::string& lines) const;
  bool write_file(const std::string& name, const std::string& text) const;  // in data_dir(), 0600
  bool restart(const std::vector<std::string>& more_settings = {});

 private:
  PgCluster() = default;
  bool make(const PgClusterOptions& options);
  bool launch();
  void stop(int signal);

  std::string dir_;
  std::string bindir_;
  int port_ = 0;
  bool loopback_ = false;
  std::vector<std::string> settings_;
  pid_t pid_ = -1;
};

}  // namespace vesto::testing

#endif  // VESTO_TESTS_SUPPORT_PG_CLUSTER_H_
