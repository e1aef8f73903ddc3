// PostgreSQL's parse tree of one statement, in memory of its own, and the way back to text.
//
// libpg_query parses; the tree is walked and changed in place (walk.h); deparse_checked() prints
// it, parses the print again and accepts it only if both trees are equal byte by byte (positions
// apart). Internal to sandbox/sql: only .cc files that walk trees include this header.
// Thread rule: a tree belongs to one thread; libpg_query keeps its state per thread.
#ifndef VESTO_SANDBOX_SQL_PG_TREE_H_
#define VESTO_SANDBOX_SQL_PG_TREE_H_

#include <pg_query/pg_query.pb-c.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

// Memory that is freed as a whole; protobuf-c unpacks into it, and changes take theirs from it.
class Arena {
 public:
  Arena();
  ProtobufCAllocator* allocator() { return &allocator_; }
  void* allocate(size_t size_bytes);
  char* copy(std::string_view text);  // NUL-terminated
  template <typename T>
  T** array(size_t count) {
    return static_cast<T**>(allocate(sizeof(T*) * count));
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  ProtobufCAllocator allocator_;
};

// An error of PostgreSQL's parser.
struct ParseFailure {
  std::string message;
  size_t offset = 0;  // in bytes, in the text that was parsed
  bool has_offset = false;
};

class PgTree {
 public:
  PgTree() : arena_(std::make_unique<Arena>()) {}
  // Parses `sql`, which has to hold exactly one statement.
  Result<Unit, ParseFailure> parse(const std::string& sql);
  [[nodiscard]] PgQuery__Node* statement() const { return root_->stmts[0]->stmt; }
  Arena& arena() { return *arena_; }
  // The tree as text. Error: 0A000 where the print does not read back as the same tree.
  SqlResult<std::string> deparse_checked();

 private:
  std::unique_ptr<Arena> arena_;
  PgQuery__ParseResult* root_ = nullptr;
};

// The message inside of a Node (Node is a tagged union), or nullptr.
ProtobufCMessage* node_message(const PgQuery__Node* node);

// Nodes made anew.
PgQuery__Node* make_node(Arena* arena, PgQuery__Node__NodeCase tag, ProtobufCMessage* message);
PgQuery__Node* make_string_node(Arena* arena, std::string_view text);    // a name
PgQuery__Node* make_text_constant(Arena* arena, std::string_view text);  // a literal
PgQuery__Node* make_integer_constant(Arena* arena, int value);
PgQuery__Node* make_boolean_constant(Arena* arena, bool value);
PgQuery__TypeName* make_type(Arena* arena, const std::vector<std::string_view>& names,
                             const std::vector<int>& modifiers);

// The text of a String node, "" for others.
std::string_view string_of(const PgQuery__Node* node);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_PG_TREE_H_
