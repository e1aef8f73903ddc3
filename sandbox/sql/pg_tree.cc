#include "sandbox/sql/pg_tree.h"

#include <pg_query.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kBlockBytes = 64 * 1024;

// Byte offset of the n-th character (0-based) of UTF-8 text.
size_t byte_offset(std::string_view text, size_t characters) {
  size_t at = 0;
  while (at < text.size() && characters > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) ++at;
    --characters;
  }
  return at;
}

// One field of a message as an array of sub-messages: pointer to the first, and how many.
struct Children {
  ProtobufCMessage** first = nullptr;
  size_t count = 0;
};

Children children_of(ProtobufCMessage* message, const ProtobufCFieldDescriptor& field) {
  char* base = reinterpret_cast<char*>(message);
  if (field.type != PROTOBUF_C_TYPE_MESSAGE) return {};
  if (field.label == PROTOBUF_C_LABEL_REPEATED) {
    const size_t count = *reinterpret_cast<size_t*>(base + field.quantifier_offset);
    return {*reinterpret_cast<ProtobufCMessage***>(base + field.offset), count};
  }
  if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
      *reinterpret_cast<uint32_t*>(base + field.quantifier_offset) != field.id) {
    return {};
  }
  auto** slot = reinterpret_cast<ProtobufCMessage**>(base + field.offset);
  return {slot, *slot == nullptr ? size_t{0} : size_t{1}};
}

bool is_position(const ProtobufCFieldDescriptor& field) {
  const std::string_view name = field.name;
  return field.type == PROTOBUF_C_TYPE_INT32 && field.label == PROTOBUF_C_LABEL_NONE &&
         (name == "location" || name == "stmt_location" || name == "stmt_len");
}

// Sets every position in the tree to 0.
void clear_positions(ProtobufCMessage* message) {
  if (message->descriptor == &pg_query__node__descriptor) {
    ProtobufCMessage* inner = node_message(reinterpret_cast<PgQuery__Node*>(message));
    if (inner != nullptr) clear_positions(inner);
    return;
  }
  const ProtobufCMessageDescriptor* descriptor = message->descriptor;
  for (unsigned i = 0; i < descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = descriptor->fields[i];
    if (is_position(field)) {
      *reinterpret_cast<int32_t*>(reinterpret_cast<char*>(message) + field.offset) = 0;
      continue;
    }
    const Children children = children_of(message, field);
    for (size_t k = 0; k < children.count; ++k) clear_positions(children.first[k]);
  }
}

std::string pack(const PgQuery__ParseResult* root) {
  std::string out(pg_query__parse_result__get_packed_size(root), '\0');
  pg_query__parse_result__pack(root, reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

}  // namespace

Arena::Arena()
    : allocator_{[](void* data, size_t size) { return static_cast<Arena*>(data)->allocate(size); },
                 [](void*, void*) {}, this} {}

void* Arena::allocate(size_t size_bytes) {
  const size_t size = (size_bytes + 15) / 16 * 16;
  if (size > left_) {
    const size_t block = std::max(size, kBlockBytes);
    blocks_.push_back(std::make_unique<char[]>(block));
    if (block > kBlockBytes) return blocks_.back().get();
    next_ = blocks_.back().get();
    left_ = block;
  }
  char* out = next_;
  next_ += size;
  left_ -= size;
  return out;
}

char* Arena::copy(std::string_view text) {
  char* out = static_cast<char*>(allocate(text.size() + 1));
  std::memcpy(out, text.data(), text.size());
  out[text.size()] = '\0';
  return out;
}

Result<Unit, ParseFailure> PgTree::parse(const std::string& sql) {
  const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(sql.c_str());
  if (parsed.error != nullptr) {
    ParseFailure failure;
    failure.message = parsed.error->message;
    failure.has_offset = parsed.error->cursorpos > 0;
    if (failure.has_offset) {
      failure.offset = byte_offset(sql, static_cast<size_t>(parsed.error->cursorpos) - 1);
    }
    pg_query_free_protobuf_parse_result(parsed);
    return failure;
  }
  root_ = pg_query__parse_result__unpack(arena_->allocator(), parsed.parse_tree.len,
                                         reinterpret_cast<const uint8_t*>(parsed.parse_tree.data));
  pg_query_free_protobuf_parse_result(parsed);
  if (root_ == nullptr || root_->n_stmts != 1 || root_->stmts[0]->stmt == nullptr) {
    return ParseFailure{"syntax error", 0, false};
  }
  return Unit{};
}

SqlResult<std::string> PgTree::deparse_checked() {
  clear_positions(&root_->base);
  std::string packed = pack(root_);
  PgQueryProtobuf input;
  input.len = packed.size();
  input.data = packed.data();
  const PgQueryDeparseResult printed = pg_query_deparse_protobuf(input);
  std::string text = printed.error == nullptr ? printed.query : "";
  pg_query_free_deparse_result(printed);
  PgTree again;
  if (text.empty() || !again.parse(text).ok()) return not_in_sandbox("this form of statement");
  clear_positions(&again.root_->base);
  if (pack(again.root_) != packed) return not_in_sandbox("this form of statement");
  return text;
}

ProtobufCMessage* node_message(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case == PG_QUERY__NODE__NODE__NOT_SET) return nullptr;
  // All members of the union are pointers to messages.
  return reinterpret_cast<ProtobufCMessage*>(node->alias);
}

PgQuery__Node* make_node(Arena* arena, PgQuery__Node__NodeCase tag, ProtobufCMessage* message) {
  auto* node = static_cast<PgQuery__Node*>(arena->allocate(sizeof(PgQuery__Node)));
  pg_query__node__init(node);
  node->node_case = tag;
  node->alias = reinterpret_cast<PgQuery__Alias*>(message);
  return node;
}

PgQuery__Node* make_string_node(Arena* arena, std::string_view text) {
  auto* string = static_cast<PgQuery__String*>(arena->allocate(sizeof(PgQuery__String)));
  pg_query__string__init(string);
  string->sval = arena->copy(text);
  return make_node(arena, PG_QUERY__NODE__NODE_STRING, &string->base);
}

namespace {

PgQuery__AConst* make_constant(Arena* arena) {
  auto* out = static_cast<PgQuery__AConst*>(arena->allocate(sizeof(PgQuery__AConst)));
  pg_query__a__const__init(out);
  return out;
}

}  // namespace

PgQuery__Node* make_text_constant(Arena* arena, std::string_view text) {
  PgQuery__AConst* constant = make_constant(arena);
  constant->val_case = PG_QUERY__A__CONST__VAL_SVAL;
  constant->sval = make_string_node(arena, text)->string;
  return make_node(arena, PG_QUERY__NODE__NODE_A_CONST, &constant->base);
}

PgQuery__Node* make_integer_constant(Arena* arena, int value) {
  auto* integer = static_cast<PgQuery__Integer*>(arena->allocate(sizeof(PgQuery__Integer)));
  pg_query__integer__init(integer);
  integer->ival = value;
  PgQuery__AConst* constant = make_constant(arena);
  constant->val_case = PG_QUERY__A__CONST__VAL_IVAL;
  constant->ival = integer;
  return make_node(arena, PG_QUERY__NODE__NODE_A_CONST, &constant->base);
}

PgQuery__Node* make_boolean_constant(Arena* arena, bool value) {
  auto* boolean = static_cast<PgQuery__Boolean*>(arena->allocate(sizeof(PgQuery__Boolean)));
  pg_query__boolean__init(boolean);
  boolean->boolval = value ? 1 : 0;
  PgQuery__AConst* constant = make_constant(arena);
  constant->val_case = PG_QUERY__A__CONST__VAL_BOOLVAL;
  constant->boolval = boolean;
  return make_node(arena, PG_QUERY__NODE__NODE_A_CONST, &constant->base);
}

PgQuery__TypeName* make_type(Arena* arena, const std::vector<std::string_view>& names,
                             const std::vector<int>& modifiers) {
  auto* type = static_cast<PgQuery__TypeName*>(arena->allocate(sizeof(PgQuery__TypeName)));
  pg_query__type_name__init(type);
  type->typemod = -1;
  type->n_names = names.size();
  type->names = arena->array<PgQuery__Node>(names.size());
  for (size_t i = 0; i < names.size(); ++i) type->names[i] = make_string_node(arena, names[i]);
  type->n_typmods = modifiers.size();
  type->typmods = arena->array<PgQuery__Node>(modifiers.size());
  for (size_t i = 0; i < modifiers.size(); ++i) {
    type->typmods[i] = make_integer_constant(arena, modifiers[i]);
  }
  return type;
}

std::string_view string_of(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_STRING) return {};
  return node->string->sval;
}

}  // namespace vesto::sandbox
