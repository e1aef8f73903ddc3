#include "redshift/recorded_session.h"

#include <climits>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/strings.h"

namespace vesto {

std::string write_sessions(const std::vector<RecordedSession>& sessions) {
  std::vector<std::string> parts;
  parts.reserve(sessions.size());
  for (const RecordedSession& session : sessions) {
    parts.push_back("{\"pid\":" + std::to_string(session.pid) + ",\"since\":" +
                    json_quote(session.since) + ",\"where\":" + json_quote(session.where) + "}");
  }
  return "[" + join(parts, ",") + "]";
}

std::vector<RecordedSession> read_sessions(std::string_view text) {
  std::vector<RecordedSession> out;
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_array()) return out;
  for (const nlohmann::json& entry : list) {
    if (!entry.is_object()) continue;
    const auto pid = entry.find("pid");
    const auto since = entry.find("since");
    const auto where = entry.find("where");
    if (pid == entry.end() || since == entry.end() || where == entry.end()) continue;
    if (!pid->is_number_integer() || !since->is_string() || !where->is_string()) continue;
    const auto number = pid->get<int64_t>();
    RecordedSession session{.pid = 0, .since = *since, .where = *where};
    if (number <= 0 || number > INT_MAX || session.since.empty() || session.where.empty()) continue;
    session.pid = static_cast<int>(number);
    out.push_back(std::move(session));
  }
  return out;
}

}  // namespace vesto
