#include "cli/ask_secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/strings.h"
#include "cli/terminal.h"
#include "secret/sealed_store.h"

namespace vesto::cli {

namespace {

constexpr std::array<int, 4> kEnding = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

termios g_before;  // of the terminal; for the handler below

// Only calls that signal-safety(7) allows. The signal then ends the process as it would have.
void restore_and_end(int signal) {
  tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

// No echo on stdin's terminal while this lives, whatever ends it but SIGKILL.
class NoEcho {
 public:
  NoEcho() {
    if (tcgetattr(STDIN_FILENO, &g_before) != 0) return;
    for (const int signal : kEnding) ::signal(signal, restore_and_end);
    ::signal(SIGTSTP, SIG_IGN);  // a shell would get a terminal without echo
    termios silent = g_before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    silent.c_lflag |= ICANON;
    active_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &g_before);
    for (const int signal : kEnding) ::signal(signal, SIG_DFL);
    ::signal(SIGTSTP, SIG_DFL);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  [[nodiscard]] bool active() const { return active_; }

 private:
  bool active_ = false;
};

// Up to one line of a terminal, or up to the end, or till `text` is full; 0 or errno.
int read_some(int file, bool one_line, std::string* text) {
  // Room for a value, its line end, and one byte that shows that it is too large.
  text->resize(kMaxSecretBytes + 3);
  size_t size = 0;
  int failed = 0;
  while (size < text->size()) {
    const ssize_t got = ::read(file, text->data() + size, text->size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failed = errno;
    if (got <= 0) break;
    size += static_cast<size_t>(got);
    if (one_line && (*text)[size - 1] == '\n') break;
  }
  text->resize(size);
  return failed;
}

Error unreadable(const std::string& what, int code) {
  return Error(ErrorCode::kCfgSecretMissing,
               fmt::format("{} cannot be read ({})", what, std::generic_category().message(code)))
      .with_hint("Name a file that this user can read: --from-file FILE");
}

Status ask_once(const std::string& prompt, std::string* value) {
  constexpr size_t kLongestLine = 4095;  // of Linux's terminals; more is cut without a word
  write_err(prompt);
  const int failed = read_some(STDIN_FILENO, true, value);
  write_err("\n");
  if (failed != 0) return unreadable("the terminal", failed);
  if (value->ends_with('\n')) value->pop_back();
  if (value->size() >= kLongestLine) {
    return Error(ErrorCode::kUsage, "this is longer than a terminal takes")
        .with_hint("vesto secret set NAME --from-file FILE");
  }
  return ok_status();
}

Status ask_terminal(const std::string& name, std::string* value) {
  const NoEcho silent;
  if (!silent.active()) return unreadable("the terminal without echo", errno);
  VESTO_TRY(ask_once(fmt::format("Value of {} (it is not shown): ", name), value));
  if (value->empty()) return ok_status();  // refused by the store; no second question
  WipedString again;
  VESTO_TRY(ask_once("Once more: ", &again.text));
  if (again.text == *value) return ok_status();
  return Error(ErrorCode::kUsage, "the two entries are not the same; nothing was set")
      .with_hint(fmt::format("Once more: vesto secret set {}", name));
}

Status read_plain(const std::string& file, std::string* value) {
  const bool from_stdin = file.empty() || file == "-";
  const int number = from_stdin ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const std::string what = from_stdin ? "stdin" : "file " + file;
  if (number < 0) return unreadable(what, errno);
  const int failed = read_some(number, false, value);
  if (!from_stdin) ::close(number);
  if (failed != 0) return unreadable(what, failed);
  drop_line_end(value);
  return ok_status();
}

}  // namespace

Result<Secret> ask_secret(const std::string& file, const std::string& name) {
  WipedString value;
  const bool at_terminal = file.empty() && isatty(STDIN_FILENO) == 1;
  VESTO_TRY(at_terminal ? ask_terminal(name, &value.text) : read_plain(file, &value.text));
  if (value.text.find('\0') != std::string::npos) {
    return Error(ErrorCode::kCfgValue, "the value holds a NUL byte, which no setting can take")
        .with_hint("Is it the right file? Text in UTF-16 holds such bytes: save it as UTF-8.");
  }
  return Secret(std::move(value.text));
}

}  // namespace vesto::cli
