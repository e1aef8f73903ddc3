#include "sandbox/session/admin_link.h"

namespace vesto::sandbox {

Result<PgRows, ErrorFields> AdminLink::rows(std::string_view sql) {
  Lock lock(mutex_);
  if (!link_ || link_->lost()) {
    auto made = cluster_->connect_admin();
    if (!made.ok()) return made.error();
    link_ = std::move(made).value();
  }
  return link_->rows(sql);
}

}  // namespace vesto::sandbox
