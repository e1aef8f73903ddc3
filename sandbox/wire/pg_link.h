// One connection to the private PostgreSQL: logs in over the Unix socket, runs batches of messages.
//
// The sandbox speaks to PostgreSQL step by step: each batch ends with Query or Sync and is read to
// its ReadyForQuery before the next is sent.
// Thread rule: one thread at a time, except interrupt().
#ifndef VESTO_SANDBOX_WIRE_PG_LINK_H_
#define VESTO_SANDBOX_WIRE_PG_LINK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/wire/channel.h"
#include "sandbox/wire/message.h"
#include "sandbox/wire/startup.h"

namespace vesto::sandbox {

// Where PostgreSQL listens: <dir>/.s.PGSQL.<port>.
struct PgAddress {
  std::string socket_dir;
  int port = 5432;
};

// Gets what a batch answers, all but errors, ReadyForQuery and ParameterStatus.
class PgEvents {
 public:
  virtual ~PgEvents() = default;
  // The body is valid during the call only.
  virtual void on_message(char type, std::string_view body) = 0;
};

// Values of a small result, as text.
using PgRows = std::vector<std::vector<std::optional<std::string>>>;

class PgLink {
 public:
  // Without a password (the socket's directory is private). `settings` go into the start-up packet,
  // so that RESET returns to them. Errors: PostgreSQL's own, or 08006.
  static Result<std::unique_ptr<PgLink>, ErrorFields> connect(const PgAddress& address,
                                                              const std::string& user,
                                                              const std::string& database,
                                                              const Settings& settings);

  // Runs one simple query. Returns the first error, or nothing. Stops early when PostgreSQL asks
  // for COPY data (in_copy() then).
  std::optional<ErrorFields> query(std::string_view sql, PgEvents* events);
  // Sends `messages` (extended protocol, without Sync), then Sync.
  std::optional<ErrorFields> batch(std::string_view messages, PgEvents* events);
  // A query whose rows are wanted as text; at most 100,000 of them are kept.
  Result<PgRows, ErrorFields> rows(std::string_view sql);

  // COPY ... FROM STDIN, after query() left in_copy() true.
  [[nodiscard]] bool in_copy() const { return in_copy_; }
  // Sends rows. Returns the server's error as soon as it has sent one.
  std::optional<ErrorFields> copy_data(std::string_view rows);
  // Ends it. `failure` not empty: gives the COPY up, with that reason.
  std::optional<ErrorFields> copy_end(std::string_view failure, PgEvents* events);

  // Reads what came by itself while nothing ran. False: the connection has ended; `*error` then
  // holds the server's last word, if there was one.
  bool read_idle(PgEvents* events, std::optional<ErrorFields>* error);

  // Says good-bye and waits until the server has ended the session (5 s at most), so that its
  // temporary tables and locks are gone afterwards.
  void close();

  // I: idle, T: in a transaction, E: in a failed one.
  [[nodiscard]] char status() const { return status_; }
  [[nodiscard]] bool lost() const { return lost_; }
  [[nodiscard]] int32_t pid() const { return pid_; }
  [[nodiscard]] int32_t key() const { return key_; }
  // Parameters reported since the last call, in order.
  Settings take_parameters();
  Channel& channel() { return *channel_; }
  void interrupt() { channel_->interrupt(); }  // any thread

 private:
  explicit PgLink(int fd) : channel_(std::make_unique<Channel>(fd)) {}
  std::optional<ErrorFields> login(const std::string& user, const std::string& database,
                                   const Settings& settings);
  std::optional<ErrorFields> read_to_ready(PgEvents* events);
  ErrorFields connection_lost();
  void note_parameter(std::string_view body);

  std::unique_ptr<Channel> channel_;
  Settings parameters_;
  char status_ = 'I';
  int32_t pid_ = 0;
  int32_t key_ = 0;
  bool in_copy_ = false;
  bool lost_ = false;
};

// Passes a client's cancel request (pid and key, 8 bytes) on. PostgreSQL never answers it.
void send_cancel(const PgAddress& address, std::string_view cancel_body);

// 'text' as a literal for PostgreSQL with standard_conforming_strings on; NUL bytes are left out.
std::string pg_literal(std::string_view text);
// "name" for PostgreSQL.
std::string pg_identifier(std::string_view name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_WIRE_PG_LINK_H_
