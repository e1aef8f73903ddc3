#include "pg/errors.h"

#include <fmt/format.h>

#include "base/error_causes.h"

namespace vesto {

namespace {

// What the table of causes knows; nullptr also of what is no answer of the server.
const ErrorCause* cause_of(const PgError& error) {
  if (error.kind != PgError::Kind::kServer) return nullptr;
  return recognise("postgres", error.sqlstate, error.message);
}

ErrorCode server_code(const PgError& error) {
  const ErrorCause* cause = cause_of(error);
  return cause != nullptr ? cause->code : ErrorCode::kPgRead;
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
  out.because(cause_of(error));
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
  out.with_hint(error.reach->hint()).because(error.reach->cause());
  out.with_upstream(error.reach->upstream());
  return out;
}

Error pg_connect_error(const PgError& error, std::string_view doing) {
  if (auto reach = reach_error(error, doing)) return *std::move(reach);
  const ErrorCode code = code_of(error);
  return made(code == ErrorCode::kPgRead ? ErrorCode::kPgConnect : code, error, doing);
}

}  // namespace vesto
