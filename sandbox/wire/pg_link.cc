#include "sandbox/wire/pg_link.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/clock.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxKeptRows = 100'000;
constexpr int64_t kCloseWaitMs = 5'000;
constexpr size_t kCopyChunkBytes = 256 * 1024;

int connect_socket(const PgAddress& address) {
  const std::string path = address.socket_dir + "/.s.PGSQL." + std::to_string(address.port);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) return -1;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

ErrorFields failure(std::string sqlstate, std::string message) {
  ErrorFields fields;
  fields.severity = "FATAL";
  fields.sqlstate = std::move(sqlstate);
  fields.message = std::move(message);
  return fields;
}

class KeepRows : public PgEvents {
 public:
  void on_message(char type, std::string_view body) override {
    RowValues values;
    if (type != 'D' || rows.size() >= kMaxKeptRows || !parse_data_row(body, &values)) return;
    std::vector<std::optional<std::string>> row;
    for (const std::optional<std::string_view>& value : values) {
      row.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
    }
    rows.push_back(std::move(row));
  }
  PgRows rows;
};

}  // namespace

Result<std::unique_ptr<PgLink>, ErrorFields> PgLink::connect(const PgAddress& address,
                                                             const std::string& user,
                                                             const std::string& database,
                                                             const Settings& settings) {
  const int fd = connect_socket(address);
  if (fd < 0) return failure("08006", "cannot reach the database process");
  std::unique_ptr<PgLink> link(new PgLink(fd));
  if (std::optional<ErrorFields> error = link->login(user, database, settings)) return *error;
  return link;
}

std::optional<ErrorFields> PgLink::login(const std::string& user, const std::string& database,
                                         const Settings& settings) {
  MessageWriter writer(&channel_->out(), 0);
  writer.int32(3 << 16).text("user").text(user).text("database").text(database);
  for (const auto& [name, value] : settings) writer.text(name).text(value);
  writer.byte('\0').end();
  if (!channel_->flush()) return connection_lost();
  while (true) {
    char type = 0;
    std::string_view body;
    if (channel_->read_message(&type, &body) != Channel::Read::kOk) return connection_lost();
    FieldReader reader(body);
    switch (type) {
      case 'E':
        lost_ = true;
        return parse_error(body);
      case 'R':
        if (reader.int32() != 0) return failure("28000", "PostgreSQL asked for a password");
        break;
      case 'S':
        note_parameter(body);
        break;
      case 'K':
        pid_ = reader.int32();
        key_ = reader.int32();
        break;
      case 'Z':
        status_ = reader.byte();
        return std::nullopt;
      default:
        break;
    }
  }
}

void PgLink::note_parameter(std::string_view body) {
  FieldReader reader(body);
  const std::string_view name = reader.text();
  const std::string_view value = reader.text();
  if (reader.ok()) parameters_.emplace_back(name, value);
}

Settings PgLink::take_parameters() { return std::exchange(parameters_, {}); }

ErrorFields PgLink::connection_lost() {
  lost_ = true;
  in_copy_ = false;
  return failure("57P01", "terminating connection due to administrator command");
}

std::optional<ErrorFields> PgLink::query(std::string_view sql, PgEvents* events) {
  MessageWriter(&channel_->out(), 'Q').text(sql).end();
  if (!channel_->flush()) return connection_lost();
  return read_to_ready(events);
}

std::optional<ErrorFields> PgLink::batch(std::string_view messages, PgEvents* events) {
  channel_->out().append(messages);
  write_simple(&channel_->out(), 'S');
  if (!channel_->flush()) return connection_lost();
  return read_to_ready(events);
}

std::optional<ErrorFields> PgLink::read_to_ready(PgEvents* events) {
  std::optional<ErrorFields> error;
  while (true) {
    char type = 0;
    std::string_view body;
    if (channel_->read_message(&type, &body) != Channel::Read::kOk) {
      ErrorFields lost = connection_lost();
      return error ? error : lost;
    }
    if (type == 'E') {
      if (!error) error = parse_error(body);
      if (error->severity == "FATAL" || error->severity == "PANIC") {
        lost_ = true;
        return error;
      }
    } else if (type == 'S') {
      note_parameter(body);
    } else if (type == 'Z') {
      status_ = body.empty() ? 'I' : body[0];
      return error;
    } else if (type == 'G') {
      in_copy_ = true;
      return error;
    } else if (events != nullptr) {
      events->on_message(type, body);
    }
  }
}

Result<PgRows, ErrorFields> PgLink::rows(std::string_view sql) {
  KeepRows events;
  if (std::optional<ErrorFields> error = query(sql, &events)) return *error;
  return std::move(events.rows);
}

std::optional<ErrorFields> PgLink::copy_data(std::string_view rows) {
  // An error comes while we still send; it is read here, or else both sides would wait.
  while (!rows.empty()) {
    const std::string_view part = rows.substr(0, kCopyChunkBytes);
    rows.remove_prefix(part.size());
    while (channel_->readable_now()) {
      char type = 0;
      std::string_view body;
      if (channel_->read_message(&type, &body) != Channel::Read::kOk) return connection_lost();
      if (type == 'S') note_parameter(body);
      if (type != 'E') continue;
      ErrorFields error = parse_error(body);
      in_copy_ = false;
      lost_ = error.severity == "FATAL";
      if (!lost_) read_to_ready(nullptr);
      return error;
    }
    MessageWriter(&channel_->out(), 'd').bytes(part).end();
    if (!channel_->flush()) return connection_lost();
  }
  return std::nullopt;
}

std::optional<ErrorFields> PgLink::copy_end(std::string_view failure_text, PgEvents* events) {
  in_copy_ = false;
  if (failure_text.empty()) {
    write_simple(&channel_->out(), 'c');
  } else {
    MessageWriter(&channel_->out(), 'f').text(failure_text).end();
  }
  if (!channel_->flush()) return connection_lost();
  return read_to_ready(events);
}

bool PgLink::read_idle(PgEvents* events, std::optional<ErrorFields>* error) {
  while (channel_->readable_now()) {
    char type = 0;
    std::string_view body;
    if (channel_->read_message(&type, &body) != Channel::Read::kOk) {
      lost_ = true;
      return false;
    }
    if (type == 'E') {
      *error = parse_error(body);
    } else if (type == 'S') {
      note_parameter(body);
    } else if (events != nullptr) {
      events->on_message(type, body);
    }
  }
  return true;
}

void PgLink::close() {
  if (!lost_) {
    write_simple(&channel_->out(), 'X');
    channel_->flush();
  }
  lost_ = true;
  channel_->set_read_timeout_ms(kCloseWaitMs);
  const int64_t end = system_clock().monotonic_ms() + kCloseWaitMs;
  char type = 0;
  std::string_view body;
  while (channel_->read_message(&type, &body) == Channel::Read::kOk) {
    if (system_clock().monotonic_ms() > end) break;  // rows of a long answer
  }
}

void send_cancel(const PgAddress& address, std::string_view cancel_body) {
  const int fd = connect_socket(address);
  if (fd < 0) return;
  Channel channel(fd);
  MessageWriter(&channel.out(), 0).int32(1234 << 16 | 5678).bytes(cancel_body).end();
  channel.flush();
  char type = 0;
  std::string_view body;
  channel.set_read_timeout_ms(5'000);
  channel.read_message(&type, &body);  // the server closes when it has passed the signal on
}

std::string pg_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\0') continue;
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string pg_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '\0') continue;
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace vesto::sandbox
