// The extended query protocol. The client's statements and portals get names of our own on
// PostgreSQL's side, so that the statements which the session runs in between cannot end them.
#include <algorithm>
#include <utility>

#include "sandbox/session/session.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxPendingCloses = 32 * 1024;
constexpr size_t kMaxNamedStatements = 10'000;

// Describe's answers, types and names as the client knows them.
class DescribeRelay : public PgEvents {
 public:
  DescribeRelay(std::string* out, RowRewriter rewriter)
      : out_(out), rewriter_(std::move(rewriter)) {}
  void on_message(char type, std::string_view body) override {
    if (type == 't') {
      FieldReader reader(body);
      const int count = reader.int16();
      MessageWriter writer(out_, 't');
      writer.int16(count);
      for (int i = 0; i < count; ++i) writer.int32(client_type_oid(reader.int32()));
      writer.end();
    } else if (type == 'T') {
      rewriter_.describe(body, out_);
    } else if (type == 'n') {
      write_simple(out_, 'n');
    }
  }

 private:
  std::string* out_;
  RowRewriter rewriter_;
};

std::string close_message(char kind, std::string_view name) {
  std::string message;
  MessageWriter(&message, 'C').byte(kind).text(name).end();
  return message;
}

// Whether PostgreSQL parses it (it has rows or parameters) or the session runs it by itself.
bool belongs_to_backend(const Statement& statement) {
  if (statement.pg_sql.size() != 1 || statement.commits) return false;
  switch (statement.cls) {
    case StatementClass::kSelect:
    case StatementClass::kInsert:
    case StatementClass::kUpdate:
    case StatementClass::kDelete:
    case StatementClass::kMerge:
      return true;
    case StatementClass::kCopy:
    case StatementClass::kLock:
    case StatementClass::kSet:
    case StatementClass::kShow:
      return false;
    default:
      return statement.returns_rows || statement.parameter_count > 0;
  }
}

SqlError malformed(char type) { return {"08P01", std::string("invalid message format: ") + type}; }

}  // namespace

bool Session::extended_failed(const Step& step) {
  if (step.kind == Step::Kind::kClose) return false;
  skip_to_sync_ = true;
  return fail(step);
}

bool Session::on_parse(std::string_view body) {
  const auto message = parse_parse(body);
  if (!message) return refuse(malformed('P'));
  forget_statement(message->name);
  auto statements = translate_text(message->query);
  if (!statements.ok()) return extended_failed(failed(statements.error()));
  std::erase_if(*statements,
                [](const Statement& each) { return each.cls == StatementClass::kEmpty; });
  if (statements->size() > 1) {
    return extended_failed(
        failed(SqlError{"42601", "cannot insert multiple commands into a prepared statement"}));
  }
  if (prepared_.size() >= kMaxNamedStatements) {
    return extended_failed(failed(SqlError{"54000", "too many prepared statements"}));
  }
  auto prepared = std::make_shared<Prepared>();
  if (!statements->empty()) {
    prepared->statement = std::move(statements->front());
    if (prepared->statement.text.empty()) prepared->statement.text = message->query;
    keep_long_names(prepared->statement);
    Step state = check_state(prepared->statement, false);
    if (state.kind == Step::Kind::kDone && belongs_to_backend(prepared->statement)) {
      state = parse_on_backend(*message, prepared.get());
    }
    if (state.kind != Step::Kind::kDone) return extended_failed(state);
  } else {
    prepared->statement.cls = StatementClass::kEmpty;
  }
  prepared_[message->name] = std::move(prepared);
  write_simple(&client_.out(), '1');
  return true;
}

Session::Step Session::parse_on_backend(const ParseMessage& message, Prepared* prepared) {
  const std::string name = "vs" + std::to_string(next_name_++);
  std::string batch = std::exchange(pending_closes_, {});
  MessageWriter writer(&batch, 'P');
  writer.text(name).text(prepared->statement.pg_sql.front());
  writer.int16(static_cast<int>(message.type_oids.size()));
  for (const int32_t oid : message.type_oids) writer.int32(pg_type_oid(oid));
  writer.end();
  ClientRelay relay(this, false, false);
  if (auto error = pg_->batch(batch, &relay)) return failed(*error);
  prepared->backend_name = name;
  return {};
}

bool Session::on_bind(std::string_view body) {
  const auto message = parse_bind(body);
  if (!message) return refuse(malformed('B'));
  const auto found = prepared_.find(message->statement);
  if (found == prepared_.end()) {
    return extended_failed(failed(
        SqlError{"26000", "prepared statement \"" + message->statement + "\" does not exist"}));
  }
  forget_portal(message->portal);
  Portal portal{found->second, ""};
  const Statement& statement = portal.prepared->statement;
  if (statement.cls != StatementClass::kEmpty) {
    Step state = check_state(statement, false);
    if (state.kind != Step::Kind::kDone) return extended_failed(state);
  }
  if (!portal.prepared->backend_name.empty()) {
    Step opened = open_transaction(statement, false);
    if (opened.kind != Step::Kind::kDone) return extended_failed(opened);
    portal.backend_name = "vp" + std::to_string(next_name_++);
    std::string batch = std::exchange(pending_closes_, {});
    MessageWriter(&batch, 'B')
        .text(portal.backend_name)
        .text(portal.prepared->backend_name)
        .bytes(message->rest)
        .end();
    ClientRelay relay(this, false, false);
    if (auto error = pg_->batch(batch, &relay)) return extended_failed(failed(*error));
  } else if (message->value_count != 0) {
    return extended_failed(
        failed(SqlError{"08P01", "bind message supplies " + std::to_string(message->value_count) +
                                     " parameters, but prepared statement \"" + message->statement +
                                     "\" requires 0"}));
  }
  portals_[message->portal] = std::move(portal);
  write_simple(&client_.out(), '2');
  return true;
}

bool Session::on_describe(std::string_view body) {
  const auto message = parse_target(body);
  if (!message) return refuse(malformed('D'));
  std::shared_ptr<Prepared> prepared;
  std::string backend_name;
  if (message->kind == 'S') {
    const auto found = prepared_.find(message->name);
    if (found != prepared_.end()) {
      prepared = found->second;
      backend_name = prepared->backend_name;
    }
  } else if (const auto found = portals_.find(message->name); found != portals_.end()) {
    prepared = found->second.prepared;
    backend_name = found->second.backend_name;
  } else if (!message->name.empty() && (tx_ == Tx::kImplicit || tx_ == Tx::kExplicit)) {
    backend_name = message->name;  // a cursor of DECLARE is a portal under its own name
  }
  if (!prepared && backend_name.empty()) {
    return extended_failed(failed(
        message->kind == 'S'
            ? SqlError{"26000", "prepared statement \"" + message->name + "\" does not exist"}
            : SqlError{"34000", "portal \"" + message->name + "\" does not exist"}));
  }
  std::string& out = client_.out();
  if (!backend_name.empty()) {
    std::string batch;
    MessageWriter(&batch, 'D').byte(message->kind).text(backend_name).end();
    DescribeRelay relay(&out,
                        RowRewriter([this](std::string_view text) { return restore_names(text); }));
    if (auto error = pg_->batch(batch, &relay)) return extended_failed(failed(*error));
    return true;
  }
  if (message->kind == 'S') MessageWriter(&out, 't').int16(0).end();
  if (prepared->statement.cls == StatementClass::kShow) {
    write_row_description(&out, show_columns(prepared->statement));
  } else {
    write_simple(&out, 'n');
  }
  return true;
}

bool Session::on_execute(std::string_view body) {
  const auto message = parse_execute(body);
  if (!message) return refuse(malformed('E'));
  const auto found = portals_.find(message->portal);
  if (found == portals_.end()) {
    return extended_failed(
        failed(SqlError{"34000", "portal \"" + message->portal + "\" does not exist"}));
  }
  Portal portal = found->second;  // the map may be cleared by what runs
  if (portal.prepared->statement.cls == StatementClass::kEmpty) {
    write_simple(&client_.out(), 'I');
    return true;
  }
  bool suspended = false;
  bool empty = false;
  const Step step = execute_portal(&portal, message->max_rows, &suspended, &empty);
  if (step.kind != Step::Kind::kDone) return extended_failed(step);
  if (suspended) {
    write_simple(&client_.out(), 's');
  } else if (empty) {
    write_simple(&client_.out(), 'I');
  } else {
    write_command_complete(&client_.out(), step.tag);
  }
  return true;
}

Session::Step Session::execute_portal(Portal* portal, int32_t max_rows, bool* suspended,
                                      bool* empty) {
  const Statement& statement = portal->prepared->statement;
  if (portal->backend_name.empty()) {
    extended_ = true;
    Step step = execute(statement, false, statement.text);
    extended_ = false;
    return step;
  }
  query_id_ = shared_->next_query_id++;
  shared_->faults->count("statement." + std::string(class_name(statement.cls)));
  std::string drop;
  if (auto stop = inject("pg.statement", statement.text, &drop)) return *stop;
  if (drop == "during") client_.interrupt();
  // Describe tells the rewriter what the rows hold; the client has asked for itself.
  std::string batch;
  MessageWriter(&batch, 'D').byte('P').text(portal->backend_name).end();
  MessageWriter(&batch, 'E').text(portal->backend_name).int32(max_rows).end();
  ClientRelay relay(this, true, false);
  Step step;
  if (auto error = pg_->batch(batch, &relay)) {
    step = failed(*error);
  } else {
    step.tag = statement.tag.empty() ? relay.tag : statement.tag;
    remember_prepared(statement);
  }
  *suspended = relay.suspended;
  *empty = relay.empty;
  if (!drop.empty()) {
    client_.interrupt();
    step.kind = Step::Kind::kClose;
  }
  return step;
}

bool Session::on_close(std::string_view body) {
  const auto message = parse_target(body);
  if (!message) return refuse(malformed('C'));
  if (message->kind == 'S') {
    forget_statement(message->name);
  } else {
    forget_portal(message->name);
  }
  write_simple(&client_.out(), '3');
  return true;
}

bool Session::on_sync() {
  skip_to_sync_ = false;
  if (tx_ == Tx::kImplicit) {
    const Step commit = close_transaction("COMMIT");
    if (commit.kind != Step::Kind::kDone && !fail(commit)) return false;
  }
  write_ready_for_query();
  return client_.flush();
}

void Session::forget_statement(const std::string& name) {
  const auto found = prepared_.find(name);
  if (found == prepared_.end()) return;
  // A portal may still use it; PostgreSQL keeps a portal's plan by itself.
  if (!found->second->backend_name.empty()) {
    pending_closes_ += close_message('S', found->second->backend_name);
  }
  prepared_.erase(found);
  if (pending_closes_.size() > kMaxPendingCloses && !pg_->lost()) {
    pg_->batch(std::exchange(pending_closes_, {}), nullptr);
  }
}

void Session::forget_portal(const std::string& name) {
  const auto found = portals_.find(name);
  if (found == portals_.end()) return;
  if (!found->second.backend_name.empty()) {
    pending_closes_ += close_message('P', found->second.backend_name);
  }
  portals_.erase(found);
}

}  // namespace vesto::sandbox
