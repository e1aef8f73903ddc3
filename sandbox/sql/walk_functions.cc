// Calls: which are allowed, and those that PostgreSQL knows by other means.
#include <cstring>
#include <string>
#include <vector>

#include "sandbox/sql/errors.h"
#include "sandbox/sql/functions.h"
#include "sandbox/sql/walk.h"

namespace vesto::sandbox {
namespace {

// How an argument shows in "function f(integer, unknown) does not exist".
std::string_view argument_type(const PgQuery__Node* node) {
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST) {
    switch (node->a_const->val_case) {
      case PG_QUERY__A__CONST__VAL_IVAL:
        return "integer";
      case PG_QUERY__A__CONST__VAL_FVAL:
        return "numeric";
      case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return "boolean";
      default:
        break;
    }
  }
  return "\"unknown\"";
}

SqlError no_such_function(const PgQuery__FuncCall& call, std::string_view name) {
  std::string message = "function " + std::string(name) + "(";
  if (call.agg_star != 0) message += "*";
  for (size_t i = 0; i < call.n_args; ++i) {
    if (i > 0) message += ", ";
    message += argument_type(call.args[i]);
  }
  SqlError error = make_sql_error("42883", message + ") does not exist");
  error.hint =
      "No function matches the given name and argument types. You may need to add explicit type "
      "casts.";
  return error;
}

template <typename T, typename Init>
T* make_message(Arena* arena, Init init) {
  T* out = static_cast<T*>(arena->allocate(sizeof(T)));
  init(out);
  return out;
}

// Points the call at another function, keeping its arguments.
void rename_call(Arena* arena, PgQuery__FuncCall* call, std::string_view name) {
  call->n_funcname = 2;
  call->funcname = arena->array<PgQuery__Node>(2);
  call->funcname[0] = make_string_node(arena, "pg_catalog");
  call->funcname[1] = make_string_node(arena, name);
}

PgQuery__Node* cast_to_text(Arena* arena, PgQuery__Node* value) {
  auto* cast = make_message<PgQuery__TypeCast>(arena, pg_query__type_cast__init);
  cast->arg = value;
  cast->type_name = make_type(arena, {"pg_catalog", "text"}, {});
  return make_node(arena, PG_QUERY__NODE__NODE_TYPE_CAST, &cast->base);
}

}  // namespace

std::string_view function_name(const PgQuery__FuncCall& call) {
  if (call.n_funcname == 0 || call.n_funcname > 2) return {};
  if (call.n_funcname == 2 && string_of(call.funcname[0]) != "pg_catalog") return {};
  return string_of(call.funcname[call.n_funcname - 1]);
}

SqlStatus Walker::check_function_name(PgQuery__FuncCall* call, std::string_view name) {
  const FunctionKind kind = function_kind(name);
  // `name 'text'` with a type's name is a cast in PostgreSQL's grammar and never comes here.
  if (kind == FunctionKind::kUnknown) {
    std::string full;
    for (size_t i = 0; i < call->n_funcname; ++i) {
      if (i > 0) full += '.';
      full += string_of(call->funcname[i]);
    }
    SqlError error = no_such_function(*call, full);
    error.position = error_at(call->location).position;
    return error;
  }
  if (name == "substr") {
    leader("substr");
  } else if (kind == FunctionKind::kLeader) {
    leader(std::string(name));
  }
  if (kind == FunctionKind::kDatePart && call->n_args > 0 &&
      call->args[0]->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
      call->args[0]->column_ref->n_fields == 1) {
    const std::string_view part = string_of(call->args[0]->column_ref->fields[0]);
    if (!part.empty()) call->args[0] = make_text_constant(&tree_->arena(), part);
  }
  return Unit{};
}

SqlStatus Walker::on_function(Message* message) {
  auto* call = reinterpret_cast<PgQuery__FuncCall*>(message);
  const std::string_view name = function_name(*call);
  if (rewritten_.count(message) == 0) VESTO_TRY(check_function_name(call, name));
  if (call->func_variadic != 0) return error_at_word("variadic");
  if (call->agg_filter != nullptr) {
    // FILTER (WHERE ...): Redshift's grammar stops at the bracket.
    for (size_t i = source_.first; i + 1 < source_.last; ++i) {
      if (source_.is_word(i, "filter") && source_.is_punct(i + 1, '(')) {
        return source_.error_at(i + 1);
      }
    }
    return error_at(call->location);
  }
  const bool ordered_inside = call->n_agg_order > 0 && call->agg_within_group == 0;
  if (ordered_inside && name != "string_agg") return error_at_word("order");
  VESTO_TRY(visit_nodes(call->args, call->n_args));
  VESTO_TRY(visit_nodes(call->agg_order, call->n_agg_order));
  if (call->over != nullptr) return visit(&call->over->base);
  return Unit{};
}

SqlStatus Walker::rewrite_function(PgQuery__Node* node) {
  PgQuery__FuncCall* call = node->func_call;
  const std::string_view name = function_name(*call);
  if (function_kind(name) != FunctionKind::kRewritten) return Unit{};
  Arena* arena = &tree_->arena();
  if (name == "nvl" && call->n_args > 0) {
    auto* coalesce = make_message<PgQuery__CoalesceExpr>(arena, pg_query__coalesce_expr__init);
    coalesce->n_args = call->n_args;
    coalesce->args = call->args;
    *node = *make_node(arena, PG_QUERY__NODE__NODE_COALESCE_EXPR, &coalesce->base);
    return Unit{};
  }
  if (name == "nvl2" && call->n_args == 3) {
    auto* test = make_message<PgQuery__NullTest>(arena, pg_query__null_test__init);
    test->arg = call->args[0];
    test->nulltesttype = PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
    auto* when = make_message<PgQuery__CaseWhen>(arena, pg_query__case_when__init);
    when->expr = make_node(arena, PG_QUERY__NODE__NODE_NULL_TEST, &test->base);
    when->result = call->args[1];
    auto* result = make_message<PgQuery__CaseExpr>(arena, pg_query__case_expr__init);
    result->n_args = 1;
    result->args = arena->array<PgQuery__Node>(1);
    result->args[0] = make_node(arena, PG_QUERY__NODE__NODE_CASE_WHEN, &when->base);
    result->defresult = call->args[2];
    *node = *make_node(arena, PG_QUERY__NODE__NODE_CASE_EXPR, &result->base);
    return Unit{};
  }
  if (name == "decode") return rewrite_decode(node);
  if (name == "listagg") return rewrite_listagg(call);
  if (name == "median") return rewrite_median(call);
  return no_such_function(*call, name);
}

// decode(e, s1, r1, s2, r2, ..., otherwise); NULL matches NULL. The first argument is repeated for
// each pair, so it is bounded by what a copy may cost.
SqlStatus Walker::rewrite_decode(PgQuery__Node* node) {
  PgQuery__FuncCall* call = node->func_call;
  if (call->n_args < 3) return no_such_function(*call, "decode");
  Arena* arena = &tree_->arena();
  const size_t pairs = (call->n_args - 1) / 2;
  auto* result = make_message<PgQuery__CaseExpr>(arena, pg_query__case_expr__init);
  result->n_args = pairs;
  result->args = arena->array<PgQuery__Node>(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    PgQuery__Node* value = bounded_copy(call->args[0]);
    if (value == nullptr) return make_sql_error("54000", "statement is too complex");
    auto* same = make_message<PgQuery__AExpr>(arena, pg_query__a__expr__init);
    same->kind = PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT;
    same->n_name = 1;
    same->name = arena->array<PgQuery__Node>(1);
    same->name[0] = make_string_node(arena, "=");
    same->lexpr = value;
    same->rexpr = call->args[1 + 2 * i];
    VESTO_TRY(visit_node(same->lexpr));
    VESTO_TRY(visit_node(same->rexpr));
    auto* when = make_message<PgQuery__CaseWhen>(arena, pg_query__case_when__init);
    when->expr = make_node(arena, PG_QUERY__NODE__NODE_A_EXPR, &same->base);
    when->result = call->args[2 + 2 * i];
    VESTO_TRY(visit_node(when->result));
    result->args[i] = make_node(arena, PG_QUERY__NODE__NODE_CASE_WHEN, &when->base);
  }
  if (call->n_args % 2 == 0) {
    result->defresult = call->args[call->n_args - 1];
    VESTO_TRY(visit_node(result->defresult));
  }
  *node = *make_node(arena, PG_QUERY__NODE__NODE_CASE_EXPR, &result->base);
  rewritten_.insert(&result->base);
  return Unit{};
}

// listagg(x [, separator]) [WITHIN GROUP (ORDER BY y)] -> string_agg(x::text, separator ORDER BY y)
SqlStatus Walker::rewrite_listagg(PgQuery__FuncCall* call) {
  if (call->n_args < 1 || call->n_args > 2) return no_such_function(*call, "listagg");
  Arena* arena = &tree_->arena();
  PgQuery__Node** args = arena->array<PgQuery__Node>(2);
  args[0] = cast_to_text(arena, call->args[0]);
  args[1] = call->n_args == 2 ? call->args[1] : make_text_constant(arena, "");
  call->args = args;
  call->n_args = 2;
  call->agg_within_group = 0;
  rename_call(arena, call, "string_agg");
  rewritten_.insert(&call->base);
  return Unit{};
}

// median(x) -> percentile_cont(0.5) WITHIN GROUP (ORDER BY x)
SqlStatus Walker::rewrite_median(PgQuery__FuncCall* call) {
  if (call->n_args != 1 || call->n_agg_order > 0) return no_such_function(*call, "median");
  Arena* arena = &tree_->arena();
  auto* sort = make_message<PgQuery__SortBy>(arena, pg_query__sort_by__init);
  sort->node = call->args[0];
  sort->sortby_dir = PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT;
  sort->sortby_nulls = PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT;
  call->n_agg_order = 1;
  call->agg_order = arena->array<PgQuery__Node>(1);
  call->agg_order[0] = make_node(arena, PG_QUERY__NODE__NODE_SORT_BY, &sort->base);
  auto* half = make_message<PgQuery__Float>(arena, pg_query__float__init);
  half->fval = arena->copy("0.5");
  PgQuery__Node* constant = make_integer_constant(arena, 0);
  constant->a_const->val_case = PG_QUERY__A__CONST__VAL_FVAL;
  constant->a_const->fval = half;
  call->args = arena->array<PgQuery__Node>(1);
  call->args[0] = constant;
  call->agg_within_group = 1;
  rename_call(arena, call, "percentile_cont");
  return Unit{};
}

// The comparison that a rewritten decode() holds is not one that a client may write.
SqlStatus Walker::on_case(Message* message) {
  if (rewritten_.count(message) > 0) return Unit{};
  return visit_children(message);
}

// A column of a result is named after the function that the client wrote.
SqlStatus Walker::on_res_target(Message* message) {
  auto* target = reinterpret_cast<PgQuery__ResTarget*>(message);
  if (*target->name == '\0' && target->val != nullptr &&
      target->val->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
    const std::string_view name = function_name(*target->val->func_call);
    const bool renamed =
        name == "nvl2" || name == "decode" || name == "listagg" || name == "median";
    if (renamed)
      target->name = tree_->arena().copy(name == "nvl2" || name == "decode" ? "case" : name);
  }
  return visit_children(message);
}

PgQuery__Node* Walker::bounded_copy(const PgQuery__Node* node) {
  constexpr size_t kMaxCopiedBytes = 512 * 1024;
  const size_t size = pg_query__node__get_packed_size(node);
  copied_bytes_ += size;
  if (copied_bytes_ > kMaxCopiedBytes) return nullptr;
  std::vector<uint8_t> packed(size);
  pg_query__node__pack(node, packed.data());
  return pg_query__node__unpack(tree_->arena().allocator(), size, packed.data());
}

}  // namespace vesto::sandbox
