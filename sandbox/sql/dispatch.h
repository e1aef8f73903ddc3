// The translators of single statements. Each gets a cursor behind the words that chose it and
// fills `out`; translate.cc has set `text` and takes the long names afterwards.
// Internal to sandbox/sql.
#ifndef VESTO_SANDBOX_SQL_DISPATCH_H_
#define VESTO_SANDBOX_SQL_DISPATCH_H_

#include <string>
#include <string_view>

#include "sandbox/sql/cursor.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

// query_statements.cc. The cursor stands on the first word (SELECT, WITH, INSERT, '(', ...) and the
// query goes on to the end of the statement.
SqlStatus translate_query(Cursor* cursor, Statement* out);
SqlStatus translate_declare(Cursor* cursor, Statement* out);
SqlStatus translate_fetch(Cursor* cursor, Statement* out);
SqlStatus translate_close(Cursor* cursor, Statement* out);
SqlStatus translate_prepare(Cursor* cursor, Statement* out);
SqlStatus translate_execute(Cursor* cursor, Statement* out);
SqlStatus translate_deallocate(Cursor* cursor, Statement* out);
SqlStatus translate_explain(Cursor* cursor, Statement* out);

// insert_values.cc. Many rows of VALUES, without a tree for all of them.
// True: done. False: no INSERT ... VALUES, or a short one.
SqlResult<bool> translate_bulk_insert(Cursor* cursor, Statement* out);

// session_statements.cc
SqlStatus translate_begin(Cursor* cursor, Statement* out);
SqlStatus translate_start(Cursor* cursor, Statement* out);
SqlStatus translate_commit(Cursor* cursor, Statement* out);
SqlStatus translate_rollback(Cursor* cursor, Statement* out);
SqlStatus translate_lock(Cursor* cursor, Statement* out);
SqlStatus translate_set(Cursor* cursor, Statement* out);
SqlStatus translate_reset(Cursor* cursor, Statement* out);
SqlStatus translate_show(Cursor* cursor, Statement* out);
SqlStatus translate_cancel(Cursor* cursor, Statement* out);
SqlStatus translate_vacuum(Cursor* cursor, Statement* out);
SqlStatus translate_analyze(Cursor* cursor, Statement* out);

// ddl_statements.cc
SqlStatus translate_create(Cursor* cursor, Statement* out);
SqlStatus translate_drop(Cursor* cursor, Statement* out);
SqlStatus translate_truncate(Cursor* cursor, Statement* out);
SqlStatus translate_comment(Cursor* cursor, Statement* out);
SqlStatus translate_create_view(Cursor* cursor, bool replace, Statement* out);

// alter_statements.cc
SqlStatus translate_alter(Cursor* cursor, Statement* out);

// grant_statements.cc
SqlStatus translate_grant(Cursor* cursor, Statement* out);
SqlStatus translate_revoke(Cursor* cursor, Statement* out);

// user_statements.cc
SqlStatus translate_create_user(Cursor* cursor, Statement* out);
SqlStatus translate_create_group(Cursor* cursor, Statement* out);
SqlStatus translate_alter_user(Cursor* cursor, Statement* out);
SqlStatus translate_alter_group(Cursor* cursor, Statement* out);
SqlStatus translate_drop_role(Cursor* cursor, bool group, Statement* out);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_DISPATCH_H_
