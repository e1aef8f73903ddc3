// From tokens to text that PostgreSQL's grammar reads the way Redshift reads the client's.
//
// Every name is folded, cut and mapped, every literal decoded and written anew, so nothing of the
// client's spelling survives but the words. Internal to sandbox/sql.
#ifndef VESTO_SANDBOX_SQL_RENDER_H_
#define VESTO_SANDBOX_SQL_RENDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql/cursor.h"

namespace vesto::sandbox {

// How deep a statement may nest, counted from above before PostgreSQL's parser (which recurses
// without a bound of its own) sees it: every operator, bracket and CASE is a level, a sub-select
// several. What stays below needs less than 2 MiB of stack.
inline constexpr size_t kMaxTreeDepth = 500;

// Changes to a statement's tokens, by index.
class Edits {
 public:
  void remove(size_t index, size_t count = 1);
  void replace(size_t index, size_t count, std::string text);
  // Stands before the token; several at one token keep their order.
  void insert(size_t index, std::string_view text);
  // Stands before the token, but inside of what insert() has put there.
  [[nodiscard]] bool removed(size_t index) const { return removed_.count(index) > 0; }
  [[nodiscard]] bool empty() const { return removed_.empty() && inserted_.empty(); }

 private:
  friend class Renderer;
  std::map<size_t, bool> removed_;
  std::map<size_t, std::string> inserted_;
};

struct Rendered {
  std::string sql;
  // Offset in sql -> index of the token that stands there, ascending.
  std::vector<std::pair<uint32_t, uint32_t>> marks;
  // The token at or before an offset of sql.
  [[nodiscard]] size_t token_at(size_t offset, size_t otherwise) const;
};

// Renders tokens [from, to) of the source with the edits.
// Errors: 42601 for a reserved word used as a name; 54001 beyond kMaxTreeDepth; 54000 beyond
// kMaxTreeTokens; 22021 from literals; 42602 from names.
SqlResult<Rendered> render(const Source& source, size_t from, size_t to, const Edits& edits,
                           NameMapper* names);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_RENDER_H_
