#include "sandbox/session/name_table.h"

#include "sandbox/sql/names.h"

namespace vesto::sandbox {

Result<Unit, ErrorFields> NameTable::load() {
  VESTO_ASSIGN(const PgRows rows, admin_->rows("SELECT short, long FROM pg_catalog.rs_names"));
  Lock lock(mutex_);
  for (const auto& row : rows) names_[row.at(0).value_or("")] = row.at(1).value_or("");
  return Unit{};
}

void NameTable::add(const std::string& short_name, const std::string& full_name) {
  {
    Lock lock(mutex_);
    if (!names_.emplace(short_name, full_name).second) return;
  }
  // Failing to keep it costs only the display of the full name after a restart.
  (void)admin_
      ->rows("INSERT INTO pg_catalog.rs_names VALUES (" + pg_literal(short_name) + "," +
             pg_literal(full_name) + ") ON CONFLICT DO NOTHING")
      .ok();
}

std::optional<std::string> NameTable::full(std::string_view short_name) {
  Lock lock(mutex_);
  const auto found = names_.find(short_name);
  return found == names_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

std::string NameTable::restore(std::string_view text) {
  if (text.find('~') == std::string_view::npos) return std::string(text);
  return restore_long_names(text, [this](std::string_view name) { return full(name); });
}

}  // namespace vesto::sandbox
