// The allow-list: walks PostgreSQL's parse tree of a query or of a CREATE TABLE, refuses what
// Redshift does not have, and changes in place what Redshift means differently (types and their
// defaults, functions, catalogue relations). A kind of node, function or type that is not listed
// is refused. Internal to sandbox/sql; one walk, one thread.
#ifndef VESTO_SANDBOX_SQL_WALK_H_
#define VESTO_SANDBOX_SQL_WALK_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql/pg_tree.h"
#include "sandbox/sql/render.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

struct WalkResult {
  int parameter_count = 0;
  std::vector<TableRef> tables;
  std::vector<TableRef> writes;
  bool reads_user_table = false;
  std::vector<std::string> leader_functions;
};

class Walker {
 public:
  Walker(PgTree* tree, const Source& source, const Rendered& rendered)
      : tree_(tree), source_(source), rendered_(rendered) {}

  // Walks the whole statement. Errors as Redshift gives them, with positions.
  SqlResult<WalkResult> run();

 private:
  using Message = ProtobufCMessage;
  using Handler = SqlStatus (Walker::*)(Message*);
  static const Handler* handler_for(const ProtobufCMessageDescriptor* descriptor);

  SqlStatus visit(Message* message);
  SqlStatus visit_children(Message* message);
  SqlStatus visit_nodes(PgQuery__Node** nodes, size_t count);
  SqlStatus visit_node(PgQuery__Node* node);

  // walk.cc: queries.
  SqlStatus pass(Message*);
  SqlStatus on_select(Message*);
  SqlStatus on_range_var(Message*);
  SqlStatus on_range_subselect(Message*);
  SqlStatus on_range_function(Message*);
  SqlStatus on_join(Message*);
  SqlStatus on_with(Message*);
  SqlStatus on_common_table(Message*);
  SqlStatus on_sort_by(Message*);
  SqlStatus on_into(Message*);
  // walk_dml.cc
  SqlStatus on_insert(Message*);
  SqlStatus on_update(Message*);
  SqlStatus on_delete(Message*);
  SqlStatus on_merge(Message*);
  SqlStatus on_merge_when(Message*);
  SqlStatus on_create(Message*);
  SqlStatus on_column(Message*);
  SqlStatus on_constraint(Message*);
  SqlStatus on_like(Message*);
  SqlStatus assignment_targets(PgQuery__Node** targets, size_t count);
  SqlStatus target_table(PgQuery__RangeVar* relation, bool alias_allowed);
  // walk_expressions.cc
  SqlStatus on_column_ref(Message*);
  SqlStatus on_param(Message*);
  SqlStatus on_expression(Message*);
  SqlStatus on_bool(Message*);
  SqlStatus on_case(Message*);
  SqlStatus on_sublink(Message*);
  SqlStatus on_type_name(Message*);
  SqlStatus on_value_function(Message*);
  SqlStatus on_row(Message*);
  SqlStatus on_array(Message*);
  SqlStatus on_constant(Message*);
  SqlStatus on_res_target(Message*);
  SqlStatus on_function(Message*);
  SqlStatus map_type(PgQuery__TypeName* type, std::string_view column);
  SqlStatus check_function_name(PgQuery__FuncCall* call, std::string_view name);
  // Rewrites nvl, nvl2, decode, listagg, median; `node` may become another kind.
  SqlStatus rewrite_function(PgQuery__Node* node);
  // 't'::bool is a constant; libpg_query prints it as one.
  void rewrite_cast(PgQuery__Node* node);
  SqlStatus rewrite_decode(PgQuery__Node* node);
  SqlStatus rewrite_listagg(PgQuery__FuncCall* call);
  SqlStatus rewrite_median(PgQuery__FuncCall* call);
  void constant_as_boolean(PgQuery__Node* node);
  // A deep copy; nullptr once a statement's copies exceed their bound.
  PgQuery__Node* bounded_copy(const PgQuery__Node* node);
  // walk_aliases.cc: SELECT aliases used in WHERE and by later columns, where that cannot be
  // mistaken (catalogue queries of drivers).
  SqlStatus resolve_aliases(PgQuery__SelectStmt* select);

  // 42601 at a node's position, or at the first token that is the word.
  [[nodiscard]] SqlError error_at(int location) const;
  [[nodiscard]] SqlError error_at_word(std::string_view lower, size_t after = 0) const;
  void leader(std::string name) { result_.leader_functions.push_back(std::move(name)); }

  PgTree* tree_;
  const Source& source_;
  const Rendered& rendered_;
  WalkResult result_;
  std::set<std::string, std::less<>> common_tables_;
  const Message* values_allowed_ = nullptr;  // the SELECT of an INSERT
  std::string column_;                       // "table.column" within a column's definition
  std::string table_;                        // of CREATE TABLE
  std::set<const Message*> rewritten_;       // made by rewrite_function(): checked already
  size_t copied_bytes_ = 0;
};

// The name of a call, last part; "" where it is in a schema of its own.
std::string_view function_name(const PgQuery__FuncCall& call);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_WALK_H_
