#include "pg/errors.h"

#include <fmt/format.h>

#include "base/error_causes.h"

namespace vesto {

namespace {

bool mentions_row_security(const PgError& error) {
  return error.message.find("row-level security") != std::string::npos;
}

ErrorCode server_code(const PgError& error) {
  const std::string_view state = error.sqlstate;
  const std::string_view group = state.substr(0, 2);
  if (state == "3D000") return ErrorCode::kPgNoDatabase;
  if (group == "28") return ErrorCode::kPgLogin;
  if (state == "42501") {
    return mentions_row_security(error) ? ErrorCode::kPgRls : ErrorCode::kPgPriv;
  }
  // A query or a filter of the configuration that would write: nextval(), a CTE with DELETE.
  if (state == "25006") return ErrorCode::kCfgValue;
  if (state == "42P01" || state == "3F000") return ErrorCode::kPgNoTable;
  if (state == "42703") return ErrorCode::kPgNoColumn;
  if (state == "55P03" || state == "40P01") return ErrorCode::kPgLocked;  // lock_timeout; deadlock
  // A view that divides by zero, a text that is not valid in the server's encoding.
  // (22023 is about settings and snapshots, not about rows.)
  if (group == "22" && state != "22023") return ErrorCode::kSrcValue;
  if (state == "53300" || state == "57P03") return ErrorCode::kPgConnect;  // full; starting up
  return ErrorCode::kPgRead;
}

ErrorCode code_of(const PgError& error) {
  switch (error.kind) {
    case PgError::Kind::kServer:
      return server_code(error);
    case PgError::Kind::kLoginMethod:
      return ErrorCode::kPgLogin;
    case PgError::Kind::kTlsCa:
      return ErrorCode::kNetTlsCa;
    case PgError::Kind::kTlsName:
      return ErrorCode::kNetTlsName;
    case PgError::Kind::kDns:
    case PgError::Kind::kRefused:
      return ErrorCode::kPgConnect;
    case PgError::Kind::kTlsOff:
      return ErrorCode::kPgTlsOff;
    case PgError::Kind::kInterrupted:
      return ErrorCode::kRunInterrupted;
    case PgError::Kind::kTimeout:
    case PgError::Kind::kLost:
    case PgError::Kind::kProtocol:
    case PgError::Kind::kTooLarge:
    case PgError::Kind::kReach:
      break;
  }
  return ErrorCode::kPgRead;
}

Error made(ErrorCode code, const PgError& error, std::string_view doing) {
  std::string text = error.text();
  if (!error.sqlstate.empty()) text += fmt::format(" ({})", error.sqlstate);
  Error out(code, fmt::format("{}: {}", doing, text));
  out.with_upstream(
      {.system = "postgres", .code = error.sqlstate, .text = error.text(), .request_id = ""});
  if (error.kind == PgError::Kind::kTooLarge && code == ErrorCode::kPgRead) {
    out.because(cause_named("source-answer-too-large"));
  }
  return out;
}

}  // namespace

Error pg_source_error(const PgError& error, std::string_view doing) {
  if (auto reach = reach_error(error, doing)) return *std::move(reach);
  return made(code_of(error), error, doing);
}

std::optional<Error> reach_error(const PgError& error, std::string_view doing) {
  const bool of_the_way = error.kind == PgError::Kind::kReach || error.kind == PgError::Kind::kLost;
  if (!of_the_way || !error.reach) return std::nullopt;
  Error out(error.reach->code(), fmt::format("{}: {}", doing, error.reach->message()));
  out.with_hint(error.reach->hint());
  out.with_upstream(error.reach->upstream());
  return out;
}

Error pg_connect_error(const PgError& error, std::string_view doing) {
  if (auto reach = reach_error(error, doing)) return *std::move(reach);
  const ErrorCode code = code_of(error);
  return made(code == ErrorCode::kPgRead ? ErrorCode::kPgConnect : code, error, doing);
}

}  // namespace vesto
