#include "store/lease.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "base/strings.h"

namespace vesto::store {

namespace {

std::string read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(4096, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text;
}

std::string read_link(const char* path) {
  std::array<char, 128> target{};
  const ssize_t size = readlink(path, target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<size_t>(size)) : std::string();
}

// There is such a process, but /proc does not show it.
bool is_hidden(int64_t pid) {
  if (pid <= 0 || pid > INT32_MAX) return false;
  if (access(fmt::format("/proc/{}/stat", pid).c_str(), R_OK) == 0) return false;
  return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

}  // namespace

std::optional<int64_t> process_start_ticks(int64_t pid) {
  const std::string stat = read_small_file(fmt::format("/proc/{}/stat", pid));
  // "pid (name) state ...": the name may hold blanks and brackets, so count from the last one.
  const size_t end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = split(trim(stat.substr(end_of_name + 1)), ' ');
  constexpr size_t kState = 0;       // field 3 of proc(5)
  constexpr size_t kStartTime = 19;  // field 22
  if (fields.size() <= kStartTime) return std::nullopt;
  if (fields[kState] == "Z" || fields[kState] == "X") return std::nullopt;
  return parse_int(fields[kStartTime]);
}

ProcessMark own_process() {
  ProcessMark mark;
  mark.boot_id = std::string(trim(read_small_file("/proc/sys/kernel/random/boot_id")));
  mark.pid_namespace = read_link("/proc/self/ns/pid");
  mark.pid = getpid();
  mark.start_ticks = process_start_ticks(mark.pid).value_or(0);
  return mark;
}

bool lease_is_live(const LeaseRow& lease, const ProcessMark& self, int64_t now_boottime_ms) {
  if (lease.owner.boot_id != self.boot_id) return false;
  if (now_boottime_ms - lease.renewed_boottime_ms > lease.ttl_ms) return false;
  const bool can_look = lease.owner.pid_namespace == self.pid_namespace &&
                        lease.owner.start_ticks != 0 && self.start_ticks != 0;
  if (!can_look) return true;
  // Where /proc is mounted with hidepid, a process that may not be dumped (as each Vesto is) is
  // hidden even from its own user, though it lives: its time to live decides then.
  if (is_hidden(lease.owner.pid)) return true;
  return process_start_ticks(lease.owner.pid) == lease.owner.start_ticks;
}

Result<std::optional<LeaseRow>> read_lease(Database& db, std::string_view sync) {
  std::optional<LeaseRow> lease;
  VESTO_TRY(db.query(
      "SELECT run, token, boot_id, pid_namespace, pid, pid_start_ticks, renewed_boottime_ms, "
      "ttl_ms FROM lease WHERE sync = ?",
      {sync}, [&](const Row& row) {
        lease = LeaseRow{.run = row.text(0),
                         .token = row.number(1),
                         .owner = {.boot_id = row.text(2),
                                   .pid_namespace = row.text(3),
                                   .pid = row.number(4),
                                   .start_ticks = row.number(5)},
                         .renewed_boottime_ms = row.number(6),
                         .ttl_ms = row.number(7)};
      }));
  return lease;
}

}  // namespace vesto::store
