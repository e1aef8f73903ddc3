#include "pg/login_error.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// "...failed: FATAL:  28P01: password ..." -> the SQLSTATE and what follows it. The severity
// before it may be in the server's language.
bool server_answer(std::string_view line, PgError* error) {
  for (size_t at = line.find(":  "); at != std::string_view::npos; at = line.find(":  ", at + 1)) {
    const std::string_view rest = line.substr(at + 3);
    if (rest.size() < 7 || rest.substr(5, 2) != ": " || !is_sqlstate(rest.substr(0, 5))) continue;
    error->kind = PgError::Kind::kServer;
    error->sqlstate = std::string(rest.substr(0, 5));
    error->message = std::string(trim(rest.substr(7)));
    return true;
  }
  return false;
}

PgError::Kind kind_of(std::string_view text) {
  const auto has = [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  };
  if (has("could not translate host name") || has("could not parse network address")) {
    return PgError::Kind::kDns;
  }
  if (has("does not match host name") || has("does not match hostname")) {
    return PgError::Kind::kTlsName;
  }
  if (has("certificate verify failed") || has("root certificate file") ||
      has("could not read root certificate") || has("could not get server's host name")) {
    return PgError::Kind::kTlsCa;
  }
  if (has("server does not support SSL")) return PgError::Kind::kTlsOff;
  if (has("no password supplied")) return PgError::Kind::kServer;
  if (has("authentication method ") && has(" not supported")) {
    return PgError::Kind::kLoginMethod;
  }
  if (has("Connection refused") || has("No such file or directory")) {
    return PgError::Kind::kRefused;
  }
  if (has("timed out") || has("timeout expired") || has("No route to host") ||
      has("Network is unreachable")) {
    return PgError::Kind::kTimeout;
  }
  return PgError::Kind::kLost;
}

}  // namespace

PgError login_error(std::string_view text) {
  PgError error;
  bool answered = false;
  std::string said;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view trimmed = trim(line);
    if (trimmed.empty() || trimmed.starts_with("LOCATION:")) continue;
    answered = server_answer(trimmed, &error) || answered;
    if (trimmed.starts_with("Is the server running")) continue;  // libpq's advice, not an answer
    said += (said.empty() ? "" : "; ") + std::string(trimmed);
  }
  if (answered) return error;
  error.kind = kind_of(said);
  error.message = said;
  if (said.find("no password supplied") != std::string::npos) {
    error.sqlstate = "28P01";  // what the server would have answered
  }
  return error;
}

}  // namespace vesto
