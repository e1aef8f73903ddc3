#include "sandbox/aws/temporary_logins.h"

namespace vesto::sandbox {

void TemporaryLogins::add(TemporaryLogin login) {
  const Lock lock(mutex_);
  if (logins_.size() >= kMaxTemporaryLogins) logins_.pop_front();
  logins_.push_back(std::move(login));
}

std::vector<TemporaryLogin> TemporaryLogins::find(std::string_view login,
                                                  std::string_view database) const {
  const int64_t now_ms = clock_.wall_ms();
  const WarehouseName served = served_.get();
  std::vector<TemporaryLogin> found;
  const Lock lock(mutex_);
  for (auto each = logins_.rbegin(); each != logins_.rend(); ++each) {
    const bool here =
        each->warehouse == served && (each->database.empty() || each->database == database);
    if (each->login == login && here && each->expires_ms > now_ms) found.push_back(*each);
  }
  return found;
}

std::vector<std::string> TemporaryLogins::passwords() const {
  std::vector<std::string> out;
  const Lock lock(mutex_);
  for (const TemporaryLogin& each : logins_) out.push_back(each.password);
  return out;
}

bool TemporaryLogins::is_temporary_name(std::string_view login) {
  return login.starts_with("IAM:") || login.starts_with("IAMA:") || login.starts_with("IAMR:");
}

}  // namespace vesto::sandbox
