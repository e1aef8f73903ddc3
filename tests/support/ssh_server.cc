#include "tests/support/ssh_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace vesto::testing_support {
namespace {

namespace fs = std::filesystem;
constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr const char* kKeygen = "/usr/bin/ssh-keygen";

pid_t spawn(const std::vector<std::string>& command, const std::string& out) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  ::close(0);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

void must_run(const std::vector<std::string>& command, const std::string& out) {
  int status = 0;
  ::waitpid(spawn(command, out), &status, 0);
  if (status != 0) ::abort();
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string new_folder() {
  std::string name = "/tmp/vesto-ssh-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) ::abort();
  return name;
}

int loopback_socket(int port, bool listening) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  auto* general = reinterpret_cast<sockaddr*>(&address);
  const int answer =
      listening ? ::bind(fd, general, sizeof(address)) : ::connect(fd, general, sizeof(address));
  if (answer == 0) return fd;
  ::close(fd);
  return -1;
}

int free_port() {
  const int fd = loopback_socket(0, true);
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

// The second line of a key file's fingerprint: "256 SHA256:... comment (ED25519)".
std::string second_word(const std::string& text) {
  std::stringstream words(text);
  std::string word;
  words >> word >> word;
  return word;
}

void collect_children(pid_t pid, std::vector<pid_t>* found) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; in >> child;) {
    found->push_back(child);
    collect_children(child, found);
  }
}

}  // namespace

bool SshServer::installed() { return ::access(kSshd, X_OK) == 0 && ::access(kKeygen, X_OK) == 0; }

std::string SshServer::user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? "nobody" : entry->pw_name;
}

SshServer::SshServer(std::vector<std::string> settings, std::vector<std::string> host_key_types)
    : settings_(std::move(settings)), types_(std::move(host_key_types)), folder_(new_folder()) {
  if (::geteuid() == 0) ::mkdir("/run/sshd", 0755);  // its separated child wants it
  port_ = free_port();
  authorize("");
  new_host_keys();
}

SshServer::~SshServer() {
  stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void SshServer::write_config() const {
  std::ofstream config(folder_ + "/sshd_config");
  // Of two lines the first counts; with MaxStartups the last.
  config << "MaxStartups 200\n";
  for (const std::string& line : settings_) config << line << "\n";
  config << "ListenAddress 127.0.0.1\nPort " << port_ << "\n";
  for (const std::string& type : types_)
    config << "HostKey " << folder_ << "/host_" << type << "\n";
  config << "PidFile none\nAuthorizedKeysFile " << folder_ << "/authorized_keys\n"
         << "StrictModes no\nUsePAM no\nPasswordAuthentication no\n"
         << "KbdInteractiveAuthentication no\nPermitRootLogin yes\n"
         << "LogLevel DEBUG1\n";
}

void SshServer::new_host_keys() {
  stop();
  for (const std::string& type : types_) {
    const std::string file = folder_ + "/host_" + type;
    ::unlink(file.c_str());
    must_run({kKeygen, "-q", "-t", type, "-N", "", "-f", file}, folder_ + "/out");
  }
  start();
}

void SshServer::start() {
  write_config();
  pid_ = spawn({kSshd, "-D", "-f", folder_ + "/sshd_config", "-E", folder_ + "/log"},
               folder_ + "/out");
  for (int tries = 0; tries < 400; ++tries) {
    const int fd = loopback_socket(port_, false);
    if (fd >= 0) {
      ::close(fd);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  ::fprintf(stderr, "sshd did not start: %s\n", text_of(folder_ + "/log").c_str());
  ::abort();
}

void SshServer::stop() {
  if (pid_ <= 0) return;
  const std::vector<pid_t> others = children();
  ::kill(pid_, SIGKILL);
  for (const pid_t child : others) ::kill(child, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::vector<pid_t> SshServer::children() const {
  std::vector<pid_t> found;
  if (pid_ > 0) collect_children(pid_, &found);
  return found;
}

void SshServer::kill_connections() const {
  for (const pid_t child : children()) ::kill(child, SIGKILL);
}

void SshServer::signal_all(int signal) const {
  for (const pid_t child : children()) ::kill(child, signal);
  if (pid_ > 0) ::kill(pid_, signal);
}

std::string SshServer::fingerprint(const std::string& type) const {
  must_run({kKeygen, "-l", "-f", folder_ + "/host_" + type + ".pub"}, folder_ + "/out");
  return second_word(text_of(folder_ + "/out"));
}

void SshServer::authorize(const std::string& line) const {
  std::ofstream(folder_ + "/authorized_keys") << line << "\n";
}

std::string SshServer::log() const { return text_of(folder_ + "/log"); }

std::string SshServer::keygen(const std::vector<std::string>& options) {
  const std::string folder = new_folder();
  std::vector<std::string> command = {kKeygen, "-q", "-f", folder + "/key"};
  command.insert(command.end(), options.begin(), options.end());
  must_run(command, folder + "/out");
  std::string text = text_of(folder + "/key");
  fs::remove_all(folder);
  return text;
}

std::string SshServer::keygen_public(const std::string& private_key,
                                     const std::string& passphrase) {
  const std::string folder = new_folder();
  std::ofstream(folder + "/key") << private_key;
  ::chmod((folder + "/key").c_str(), 0600);
  must_run({kKeygen, "-y", "-P", passphrase, "-f", folder + "/key"}, folder + "/key.pub");
  must_run({kKeygen, "-l", "-f", folder + "/key.pub"}, folder + "/out");
  const std::string word = second_word(text_of(folder + "/out"));
  fs::remove_all(folder);
  return word;
}

}  // namespace vesto::testing_support
