// The statements of redshift/sql.h, as the warehouse of the mind answers them.
#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"
#include "tests/support/fake_session.h"

namespace vesto::testing {

namespace {

// Contents of the literals or the quoted names in `sql`, in order; doubled signs are single again.
std::vector<std::string> quoted(const std::string& sql, char quote) {
  std::vector<std::string> out;
  char open = 0;
  std::string word;
  for (size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (open == 0) {
      if (c == '\'' || c == '"') {
        open = c;
        word.clear();
      }
    } else if (open == '\'' && c == '\\') {
      word += sql[++i];
    } else if (c != open) {
      word += c;
    } else if (i + 1 < sql.size() && sql[i + 1] == open) {
      word += sql[++i];
    } else {
      if (open == quote) out.push_back(word);
      open = 0;
    }
  }
  return out;
}

std::string format_type(std::string type) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"TIMESTAMPTZ", "timestamp with time zone"},
           {"TIMESTAMP", "timestamp without time zone"},
           {"TIME", "time without time zone"},
           {"VARCHAR", "character varying"},
           {"VARBYTE", "binary varying"},
           {"DECIMAL", "numeric"}}) {
    if (type.starts_with(from)) return to + type.substr(from.size());
  }
  return to_lower_ascii(type);
}

// The columns of CREATE TABLE x ("a" BIGINT NOT NULL, ...).
std::vector<FakeColumn> columns_of(const std::string& sql) {
  std::vector<FakeColumn> out;
  const size_t start = sql.find('(');
  int depth = 0;
  std::vector<std::string> parts(1);
  for (size_t i = start; i < sql.size(); ++i) {
    const char c = sql[i];
    if (c == '(' && ++depth == 1) continue;
    if (c == ')' && --depth == 0) break;
    if (c == ',' && depth == 1) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const size_t key = sql.find("DISTKEY (\"");
  for (const std::string& part : parts) {
    FakeColumn column;
    column.name = quoted(part, '"').at(0);
    std::string type(trim(part.substr(part.rfind('"') + 1)));
    if (type.ends_with(" NOT NULL")) {
      column.not_null = true;
      type.resize(type.size() - 9);
    }
    if (type.ends_with(" COLLATE CASE_SENSITIVE")) {
      type.resize(type.size() - 23);
      column.case_sensitive = true;
    }
    column.type = format_type(type);
    column.distkey =
        key != std::string::npos && sql.substr(key + 9).starts_with("\"" + column.name + "\"");
    out.push_back(column);
  }
  return out;
}

ExecResult number(uint64_t value) { return {"SELECT 1", {{std::to_string(value)}}, {}}; }

}  // namespace

ExecResult FakeSession::catalog(const std::string& sql) {
  const std::vector<std::string> names = quoted(sql, '\'');
  ExecResult out;
  const FakeData& all = data();
  using Cell = std::optional<std::string>;
  const auto row = [&](std::vector<Cell> rest) {
    std::vector<Cell> cells = {"vesto_load", "dev"};
    cells.insert(cells.end(), rest.begin(), rest.end());
    cells.resize(12);
    out.rows.push_back(std::move(cells));
  };
  if (!all.schema) {
    row({});
    return out;
  }
  for (size_t i = 1; i < names.size(); ++i) {
    const auto found = all.tables.find(names[i]);
    if (found == all.tables.end()) continue;
    const FakeTable& table = found->second;
    for (const FakeColumn& c : table.columns) {
      row({names[0], names[i], table.kind, table.owner, c.name, c.type, c.not_null ? "t" : "f", "f",
           c.distkey ? "t" : "f", c.sortkey ? "1" : "0"});
    }
    if (table.columns.empty()) row({names[0], names[i], table.kind, table.owner});
  }
  if (out.rows.empty()) row({names[0]});
  return out;
}

Result<ExecResult> FakeSession::select(const std::string& sql) {
  if (sql.starts_with("SELECT current_user")) return catalog(sql);
  if (sql.starts_with("SELECT DISTINCT c.relname, a.attname, vn.nspname")) {
    ExecResult out;
    for (const auto& [table, column, view] : house_.bound_views) {
      out.rows.push_back({table, column, "rep", view});
    }
    return out;
  }
  if (sql == "SELECT pg_last_copy_count()") return number(last_copy_);
  if (sql.starts_with("SELECT pg_terminate_backend(")) {
    const int pid = static_cast<int>(parse_int(sql.substr(28, sql.size() - 29)).value_or(0));
    house_.terminated.push_back(pid);
    house_.starts.erase(pid);
    if (pid == house_.zombie_pid_) house_.end_zombie(false);
    return number(1);
  }
  if (sql.find("FROM stv_sessions") != std::string::npos ||
      sql.find("FROM sys_session_history") != std::string::npos) {
    if (!house_.has_stv_sessions && sql.find("stv_") != std::string::npos) {
      return refuse("42501", "permission denied for relation stv_sessions");
    }
    const size_t at = sql.find("= ") + 2;
    const int pid = static_cast<int>(parse_int(sql.substr(at, sql.find(' ', at) - at)).value_or(0));
    const auto found = house_.starts.find(pid);
    return number(found != house_.starts.end() && found->second <= quoted(sql, '\'').at(0) ? 1 : 0);
  }
  if (sql.starts_with("SELECT u.usesuper")) {
    ExecResult out;
    if (!house_.rights.empty()) out.rows.push_back(house_.rights);
    return out;
  }
  if (sql.starts_with("SELECT raw_field_value ")) {
    if (!house_.refused_field) return refuse("42501", "permission denied for stl_load_errors");
    return ExecResult{"SELECT 1", {{*house_.refused_field}}, {}};
  }
  if (sql.find("load_error") != std::string::npos) {
    ExecResult out;
    if (!house_.load_error.empty()) {
      out.rows.emplace_back(house_.load_error.begin(), house_.load_error.end());
    }
    return out;
  }
  const std::vector<std::string> names = quoted(sql, '"');
  if (sql.starts_with("SELECT \"stream\"") || sql.starts_with("SELECT \"load_id\"")) {
    if (!house_.wait_for_lock(pid_)) {
      return refuse("57014", "Query (1) canceled on user's request");
    }
    ExecResult out;
    for (const auto& [stream, row] : data().state) {
      if (sql.starts_with("SELECT \"stream\"")) {
        out.rows.push_back({stream, row.load_id, row.version, row.position});
      } else if (stream == "*") {
        out.rows.push_back({row.load_id});
      }
    }
    return out;
  }
  if (sql.starts_with("SELECT 0, COUNT(*)")) {
    ExecResult out;
    for (const std::string& name : names) {
      if (!name.starts_with("_vesto_stage_")) continue;
      const std::string place = std::to_string(out.rows.size());
      out.rows.push_back({place, std::to_string(house_.duplicates[name])});
    }
    if (house_.shrink_key_counts) out.rows.pop_back();
    return out;
  }
  if (sql.starts_with("SELECT 1 FROM ")) {
    ExecResult out;
    if (data().tables[names.at(1)].rows > 0) out.rows.push_back({"1"});
    return out;
  }
  if (!sql.starts_with("SELECT COUNT(*)") && sql.find(" GROUP BY ") != std::string::npos) {
    ExecResult out;
    out.rows = house_.bad_keys;
    return out;
  }
  const bool twice = sql.starts_with("SELECT COUNT(*) FROM (");
  std::string table = names.at(twice ? 1 : 0);
  if (!table.starts_with("_vesto_stage_")) table = names.at(twice ? 2 : 1);
  return number(twice ? house_.duplicates[table] : house_.null_keys[table]);
}

Result<ExecResult> FakeSession::create(const std::string& sql) {
  const std::vector<std::string> names = quoted(sql, '"');
  if (sql.starts_with("CREATE SCHEMA")) {
    if (data().schema) return refuse("42P06", "Schema already exists");
    data().schema = true;
    return tag("CREATE SCHEMA");
  }
  if (sql.starts_with("CREATE TEMP TABLE")) {
    if (stages_.count(names.at(0)) != 0) return refuse("42P07", "Relation already exists");
    stages_[names.at(0)] = 0;
    return tag("CREATE TABLE");
  }
  FakeTable& table = data().tables[names.at(1)];
  if (sql.starts_with("CREATE ")) {
    if (!table.columns.empty()) return refuse("42P07", "Relation \"x\" already exists");
    if (sql.starts_with("CREATE VIEW")) {
      table.kind = "v";
      table.columns = {{"sync", "character varying(256)", false, false}};
    } else {
      table.columns = columns_of(sql);
    }
    return tag("CREATE TABLE");
  }
  if (sql.find(" ADD COLUMN ") != std::string::npos) {
    for (const FakeColumn& column : table.columns) {
      if (column.name == names.at(2)) return refuse("42701", "column already exists");
    }
    const size_t at = sql.rfind('"') + 2;
    table.columns.push_back({names.at(2), format_type(sql.substr(at)), false, false});
    return tag("ALTER TABLE");
  }
  const auto named = [&](const FakeColumn& column) { return column.name == names.at(2); };
  const auto found = std::find_if(table.columns.begin(), table.columns.end(), named);
  if (sql.find(" DROP COLUMN ") != std::string::npos) {
    table.columns.erase(found);
    return tag("ALTER TABLE");
  }
  if (sql.find(" RENAME COLUMN ") != std::string::npos) {
    found->name = names.at(3);
    return tag("ALTER TABLE");
  }
  if (open_) return refuse("25001", "ALTER COLUMN cannot run inside a transaction block");
  for (FakeColumn& column : table.columns) {
    if (column.name == names.at(2)) column.type = format_type(sql.substr(sql.rfind(" TYPE ") + 6));
  }
  return tag("ALTER TABLE");
}

Result<ExecResult> FakeSession::copy(const std::string& sql) {
  const std::string first = quoted(sql, '"').at(0);
  const std::string second = quoted(sql, '"').at(1);
  const std::string url = quoted(sql, '\'').at(0);
  const std::string key = url.substr(url.find('/', 5) + 1);
  last_copy_ = house_.copy_rows[key];
  const bool stage = stages_.count(first) != 0;
  (stage ? stages_[first] : data().tables[second].rows) += last_copy_;
  ExecResult out = tag("COPY");
  if (house_.says_copy_count) {
    out.notices.push_back(
        fmt::format("Load into table '{}' completed, {} record(s) loaded successfully.",
                    stage ? first : second, last_copy_));
  }
  return out;
}

Result<ExecResult> FakeSession::change(const std::string& sql) {
  const std::vector<std::string> names = quoted(sql, '"');
  const std::vector<std::string> texts = quoted(sql, '\'');
  FakeData& all = data();
  if (sql.starts_with("UPDATE ") && !names.at(1).starts_with("_vesto_state_")) {
    return tag("UPDATE " + std::to_string(all.tables[names.at(1)].rows));
  }
  if (sql.find("\"schema_version\" = 1") != std::string::npos) {
    // A stream and the position that it must have, for each.
    const std::vector<std::string> wanted =
        quoted(sql.substr(sql.rfind("WHERE \"schema_version\" = 1")), '\'');
    const size_t number = wanted.size() / 2;
    size_t hit = 0;
    for (size_t i = 0; i < number; ++i) {
      const auto row = all.state.find(wanted[2 * i]);
      if (row == all.state.end() || row->second.position != wanted[2 * i + 1]) continue;
      ++hit;
      row->second.load_id = texts[0];
      // load id, writer, time; then the position, or a stream and its position for each.
      row->second.position = number == 1 ? texts[3] : texts[4 + 2 * i];
    }
    return tag("UPDATE " + std::to_string(hit));
  }
  if (sql.starts_with("UPDATE ")) {
    FakeStateRow& header = all.state["*"];
    if (header.load_id != texts.at(4)) return tag("UPDATE 0");
    header.load_id = texts[0];
    header.writer = texts[1];
    return tag("UPDATE " + std::to_string(house_.header_rows));
  }
  if (sql.starts_with("DELETE FROM ") && names.at(1).starts_with("_vesto_state_")) {
    for (const std::string& stream : texts) all.state.erase(stream);
    return tag("DELETE " + std::to_string(texts.size()));
  }
  if (sql.starts_with("DELETE FROM ")) {
    uint64_t& rows = all.tables[names.at(1)].rows;
    const bool matching =
        sql.find(" USING ") != std::string::npos || sql.find(" WHERE ") != std::string::npos;
    const uint64_t gone = matching ? std::min(rows, house_.matching[names[1]]) : rows;
    rows -= gone;
    return tag("DELETE " + std::to_string(gone));
  }
  if (names.at(1).starts_with("_vesto_state_")) {
    // stream, load id, writer, position, time: the version stands without quotes.
    size_t at = 0;
    for (size_t i = 0; i + 4 < texts.size(); i += 5) {
      at = sql.find(", " + std::string("'") + texts[i + 2], at);
      all.state[texts[i]] = {texts[i + 1], texts[i + 2], "1", texts[i + 3]};
    }
    return tag("INSERT 0 1");
  }
  if (names.at(1) == "_vesto_loads") {
    const std::string values = sql.substr(sql.find("VALUES "));
    for (size_t i = 0; i + 2 < texts.size();) {
      all.loads.push_back(texts[i + 1] + " " + texts[i + 2]);
      i += 5;
      while (i < texts.size() && texts[i].starts_with("20")) ++i;
    }
    return tag("INSERT 0 1");
  }
  if (names.at(1) == "_vesto_rejected") {
    house_.rejected.push_back(sql);
    return tag("INSERT 0 1");
  }
  if (sql.find(" VALUES (") != std::string::npos) {
    // Rows of the side door: "(..), (..)".
    uint64_t rows = 1;
    for (size_t at = sql.find("), ("); at != std::string::npos; at = sql.find("), (", at + 1)) {
      ++rows;
    }
    rows -= house_.shrink_side_door ? 1 : 0;
    if (names[0].starts_with("_vesto_stage_")) {
      stages_[names[0]] += rows;
    } else {
      all.tables[names.at(1)].rows += rows;
    }
    return tag("INSERT 0 " + std::to_string(rows));
  }
  const uint64_t rows = stages_[names.back()] - (house_.shrink_stage ? 1 : 0);
  all.tables[names.at(1)].rows += rows;
  return tag("INSERT 0 " + std::to_string(rows));
}

}  // namespace vesto::testing
