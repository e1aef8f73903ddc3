#include "sandbox/http/http_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <list>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"

namespace vesto::sandbox {

namespace {

constexpr int kBacklog = 128;

void answer_problem(NetStream& stream, const HttpProblem& problem, const std::string& date) {
  std::string text = "HTTP/1.1 " + std::to_string(problem.status) + " ";
  text += reason_phrase(problem.status);
  text += "\r\nDate: " + date + "\r\nConnection: close\r\nContent-Type: text/plain\r\n";
  text += "Content-Length: " + std::to_string(problem.text.size()) + "\r\n\r\n" + problem.text;
  stream.write(text);
  stream.close_after_sending(true);
}

}  // namespace

std::string format_http_date(int64_t wall_ms) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<time_t>(wall_ms / 1000);
  tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return {};
  char text[64];
  std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday % 7],
                parts.tm_mday, kMonths[parts.tm_mon % 12], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text;
}

struct HttpServer::State {
  struct Connection {
    std::unique_ptr<NetStream> stream;
    std::thread thread;
    bool done = false;
  };

  HttpServerOptions options;
  HttpHandler handler;
  Clock* clock = nullptr;
  int listen_fd = -1;
  int wake_fd = -1;
  uint16_t port = 0;
  std::stop_source stop;
  std::thread acceptor;
  Mutex mutex;
  std::list<Connection> connections VESTO_GUARDED_BY(mutex);

  void accept_loop();
  void reap(bool all);
  void take(int fd);
  void serve(NetStream& stream);
  bool serve_one(NetStream& stream, HttpInput& input);
};

void HttpServer::State::accept_loop() {
  pollfd fds[2] = {{listen_fd, POLLIN, 0}, {wake_fd, POLLIN, 0}};
  while (!stop.stop_requested()) {
    if (::poll(fds, 2, 1000) < 0 && errno != EINTR) break;
    reap(false);
    if ((fds[0].revents & POLLIN) == 0) continue;
    const int fd = ::accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) take(fd);
  }
}

void HttpServer::State::take(int fd) {
  auto stream = std::make_unique<NetStream>(fd);
  stream->set_timeout_ms(options.idle_timeout_ms);
  Lock lock(mutex);
  if (connections.size() >= options.max_connections) {
    // Under TLS no answer can be given without a handshake, which would hold the acceptor.
    if (!options.tls) {
      answer_problem(*stream, {503, "too many connections"}, format_http_date(clock->wall_ms()));
    }
    return;
  }
  Connection& connection = connections.emplace_back();
  connection.stream = std::move(stream);
  connection.thread = std::thread([this, &connection] {
    NetStream& own = *connection.stream;
    if (!options.tls || own.start_tls(*options.tls)) serve(own);
    Lock done_lock(mutex);
    connection.stream.reset();  // closed here, not when the thread is joined
    connection.done = true;
  });
}

// Joins the threads that have ended; `all`: waits for every one.
void HttpServer::State::reap(bool all) {
  for (;;) {
    std::list<Connection> ended;
    {
      Lock lock(mutex);
      for (auto it = connections.begin(); it != connections.end();) {
        auto next = std::next(it);
        if (all || it->done) ended.splice(ended.end(), connections, it);
        it = next;
      }
      if (all) {
        for (Connection& connection : ended) {
          if (connection.stream) connection.stream->interrupt();
        }
      }
    }
    if (ended.empty()) return;
    for (Connection& connection : ended) connection.thread.join();
  }
}

void HttpServer::State::serve(NetStream& stream) {
  HttpInput input(stream);
  while (!stop.stop_requested() && serve_one(stream, input)) {
  }
}

bool HttpServer::State::serve_one(NetStream& stream, HttpInput& input) {
  auto head = input.read_until("\r\n\r\n", kMaxHeadBytes);
  const std::string date = format_http_date(clock->wall_ms());
  if (!head.ok()) {
    if (head.error() == BodyError::kMalformed) answer_problem(stream, {431, "head too long"}, date);
    return false;
  }
  auto request = parse_request_head(*head);
  if (!request.ok()) {
    answer_problem(stream, request.error(), date);
    return false;
  }
  auto framing = body_framing(*request);
  if (!framing.ok()) {
    answer_problem(stream, framing.error(), date);
    return false;
  }
  HttpExchange exchange(stream, input, std::move(request).value(), *framing, stop.get_token(),
                        date);
  handler(exchange);
  return exchange.finish();
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::start(HttpServerOptions options,
                                                                   HttpHandler handler) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->handler = std::move(handler);
  state->clock = state->options.clock != nullptr ? state->options.clock : &system_clock();
  VESTO_ASSIGN(state->listen_fd, listen_loopback(state->options.port, kBacklog));
  state->port = local_port(state->listen_fd);
  state->wake_fd = ::eventfd(0, EFD_CLOEXEC);
  State* raw = state.get();
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(state)));
  raw->acceptor = std::thread([raw] { raw->accept_loop(); });
  return server;
}

uint16_t HttpServer::port() const { return state_->port; }

void HttpServer::stop() {
  if (!state_->acceptor.joinable()) return;
  state_->stop.request_stop();
  const uint64_t one = 1;
  if (::write(state_->wake_fd, &one, sizeof(one)) < 0) {
    log_warn("the HTTP server's thread could not be woken", {{"error", std::strerror(errno)}});
  }
  state_->acceptor.join();
  state_->reap(true);
  ::close(state_->listen_fd);
  ::close(state_->wake_fd);
}

}  // namespace vesto::sandbox
