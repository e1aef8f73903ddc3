// The session's loop and the simple query protocol.
#include "sandbox/session/session.h"

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxKeptValues = 1000;

// Reported parameters of PostgreSQL that Redshift's clients know, under Redshift's name.
std::string_view client_parameter(std::string_view name) {
  if (name == "DateStyle") return "datestyle";
  for (const std::string_view known :
       {"application_name", "client_encoding", "session_authorization", "TimeZone"}) {
    if (name == known) return known;
  }
  return {};
}

}  // namespace

Session::Session(int fd, SessionShared* shared) : shared_(shared), client_(fd) {}

Session::~Session() { running_link_ = nullptr; }

void Session::interrupt() {
  interrupted_ = true;
  client_.interrupt();
  if (PgLink* link = running_link_.load()) link->interrupt();
}

void Session::run() {
  if (login()) serve();
  client_.interrupt();
  if (pg_) pg_->close();
}

void Session::serve() {
  while (!interrupted_) {
    bool client_ready = false;
    bool backend_ready = false;
    Channel::wait_either(client_, pg_->channel(), &client_ready, &backend_ready, -1);
    if (backend_ready && !backend_spoke()) return;
    if (!client_ready) continue;
    char type = 0;
    std::string_view body;
    const Channel::Read done = client_.read_message(&type, &body);
    if (done == Channel::Read::kTooLarge) {
      refuse({"08P01", "invalid message length"});
      return;
    }
    if (done != Channel::Read::kOk || type == 'X') return;
    const std::string copy(body);  // the view ends with the next read
    if (!dispatch(type, copy) || pg_->lost()) return;
    if (!client_.has_buffered() && !client_.flush()) return;
    if (!client_.flush_if_large()) return;
  }
}

bool Session::dispatch(char type, std::string_view body) {
  if (skip_to_sync_ && type != 'S' && type != 'H') return true;
  switch (type) {
    case 'Q': {
      FieldReader reader(body);
      const std::string_view sql = reader.text();
      if (!reader.ok()) return refuse({"08P01", "invalid string in message"});
      return simple_query(sql);
    }
    case 'P':
      return on_parse(body);
    case 'B':
      return on_bind(body);
    case 'D':
      return on_describe(body);
    case 'E':
      return on_execute(body);
    case 'C':
      return on_close(body);
    case 'S':
      return on_sync();
    case 'H':
      return client_.flush();
    case 'd':
    case 'c':
    case 'f':  // left over from a COPY that failed: ignored, as PostgreSQL does
      return true;
    default:
      return refuse({"08P01", "invalid frontend message type " +
                                  std::to_string(static_cast<unsigned char>(type))});
  }
}

// PostgreSQL spoke while nothing ran: a notice, a parameter, or its good-bye.
bool Session::backend_spoke() {
  ClientRelay relay(this, false, false);
  std::optional<ErrorFields> last;
  const bool alive = pg_->read_idle(&relay, &last);
  relay_parameters();
  if (alive && !last) return client_.flush();
  if (last) write_error(&client_.out(), 'E', rewrite_error(*last, error_context()));
  client_.flush();
  return false;
}

SqlResult<std::vector<Statement>> Session::translate_text(std::string_view sql) {
  TranslateOptions options;
  options.case_sensitive_identifier = settings_.is_on("enable_case_sensitive_identifier");
  options.serverless = shared_->serverless;
  return translate(sql, options);
}

bool Session::simple_query(std::string_view sql) {
  skip_to_sync_ = false;
  forget_statement("");
  forget_portal("");
  auto statements = translate_text(sql);
  bool alive = true;
  if (!statements.ok()) {
    alive = fail(failed(statements.error()));
  } else {
    std::erase_if(*statements,
                  [](const Statement& each) { return each.cls == StatementClass::kEmpty; });
    if (statements->empty()) {
      write_simple(&client_.out(), 'I');
    } else {
      alive = run_string(*statements, sql);
    }
  }
  if (alive) write_ready_for_query();
  return alive;
}

bool Session::run_string(const std::vector<Statement>& statements, std::string_view sql) {
  const bool several = statements.size() > 1;
  for (size_t i = 0; i < statements.size(); ++i) {
    Step step = execute(statements[i], several, sql);
    const bool last = i + 1 == statements.size();
    if (step.kind == Step::Kind::kDone && last && tx_ == Tx::kImplicit) {
      Step commit = close_transaction("COMMIT");
      if (commit.kind != Step::Kind::kDone) step = std::move(commit);
    }
    if (step.kind == Step::Kind::kClose) return false;
    if (step.kind == Step::Kind::kFailed) return fail(step);
    write_command_complete(&client_.out(), step.tag);
    if (!client_.flush_if_large()) return false;
  }
  return true;
}

void Session::relay_parameters() {
  if (!pg_) return;
  for (const auto& [name, value] : pg_->take_parameters()) {
    const std::string_view shown = client_parameter(name);
    if (!shown.empty()) write_parameter_status(&client_.out(), shown, value);
  }
}

void Session::write_ready_for_query() {
  relay_parameters();
  write_ready(&client_.out(), tx_ == Tx::kFailed ? 'E' : tx_ == Tx::kNone ? 'I' : 'T');
}

void Session::write_notice(const ErrorFields& fields) {
  if (const auto shown = rewrite_notice(fields, error_context())) {
    write_error(&client_.out(), 'N', *shown);
  }
}

Session::Step Session::failed(SqlError error) const {
  Step step;
  step.kind = Step::Kind::kFailed;
  step.error = to_fields(error, "ERROR");
  step.rewritten = true;
  return step;
}

Session::Step Session::failed(ErrorFields error) const {
  Step step;
  step.kind = Step::Kind::kFailed;
  step.error = std::move(error);
  return step;
}

bool Session::fail(const Step& step) {
  ErrorFields shown = step.rewritten ? step.error : rewrite_error(step.error, error_context());
  if (pg_->lost()) shown.severity = "FATAL";
  // The rollback comes first: a client that has read the error finds the locks gone.
  abort_transaction();
  write_error(&client_.out(), 'E', shown);
  if (!pg_->lost()) return true;
  client_.flush();
  return false;
}

ErrorContext Session::error_context() const {
  ErrorContext context;
  context.table_oid = last_table_oid_;
  context.pid = pg_ ? pg_->pid() : 0;
  context.query_id = query_id_;
  context.restore_names = [this](std::string_view text) { return restore_names(text); };
  return context;
}

std::string Session::restore_names(std::string_view text) const {
  return shared_->names->restore(text);
}

void ClientRelay::on_message(char type, std::string_view body) {
  std::string& out = session_->client_.out();
  switch (type) {
    case 'T':
      if (!rewriter_.describe(body, rows_wanted_ && description_wanted_ ? &out : nullptr)) {
        tag.clear();
      }
      break;
    case 'D':
      if (rows_wanted_) {
        rewriter_.row(body, &out);
        session_->client_.flush_if_large();
      } else {
        RowValues row;
        if (values.size() < kMaxKeptValues && parse_data_row(body, &row) && !row.empty() &&
            row[0]) {
          values.emplace_back(*row[0]);
        }
      }
      break;
    case 'C': {
      FieldReader reader(body);
      tag = reader.text();
      break;
    }
    case 'I':
      empty = true;
      break;
    case 's':
      suspended = true;
      break;
    case 'N':
      session_->write_notice(parse_error(body));
      break;
    default:
      break;
  }
}

}  // namespace vesto::sandbox
