#include "encode/diversion.h"

#include <iterator>
#include <utility>

namespace vesto {

namespace {

constexpr unsigned kBitsOfAByte = 7;
constexpr size_t kMore = 1U << kBitsOfAByte;

// A text on the heap: its bytes, the NUL behind them, and what an allocator adds.
constexpr int64_t kAllocationBytes = 24;
// A vector that grows has its old array beside the new one, which has room for twice as many.
constexpr int64_t kSlack = 3;

int64_t heap_bytes(const std::string& text) {
  return text.capacity() <= std::string().capacity()
             ? 0
             : static_cast<int64_t>(text.capacity()) + kAllocationBytes;
}

size_t take_number(std::string_view* packed) {
  size_t number = 0;
  for (unsigned shift = 0;; shift += kBitsOfAByte) {
    const auto byte = static_cast<unsigned char>(packed->front());
    packed->remove_prefix(1);
    number |= static_cast<size_t>(byte % kMore) << shift;
    if (byte < kMore) return number;
  }
}

}  // namespace

DiversionHold::DiversionHold(DiversionHold&& other) noexcept
    : from_(std::move(other.from_)), held_(std::exchange(other.held_, {})) {}

DiversionHold& DiversionHold::operator=(DiversionHold&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  from_ = std::move(other.from_);
  held_ = std::exchange(other.held_, {});
  return *this;
}

DiversionHold::~DiversionHold() { give_back(); }

void DiversionHold::give_back() noexcept {
  for (size_t i = 0; from_ != nullptr && i < held_.size(); ++i) from_->left[i] += held_[i];
  held_ = {};
}

bool DiversionHold::take(const std::shared_ptr<DiversionBytes>& from, DiversionBound bound,
                         int64_t amount) {
  if (!DiversionLimits::take(&from->left_of(bound), amount)) return false;
  from_ = from;
  held_.at(static_cast<size_t>(bound)) += amount;
  return true;
}

void DiversionHold::merge(DiversionHold other) {
  if (from_ == nullptr) from_ = other.from_;
  for (size_t i = 0; i < held_.size(); ++i) held_.at(i) += other.held_.at(i);
  other.held_ = {};
}

void Diversion::merge(Diversion other) {
  side.insert(side.end(), std::make_move_iterator(other.side.begin()),
              std::make_move_iterator(other.side.end()));
  rejected.insert(rejected.end(), std::make_move_iterator(other.rejected.begin()),
                  std::make_move_iterator(other.rejected.end()));
  nulled_values += other.nulled_values;
  lacked_room += other.lacked_room;
  if (!fails_for_room) fails_for_room = std::move(other.fails_for_room);
  hold.merge(std::move(other.hold));
}

SideRow::SideRow(std::initializer_list<std::optional<std::string_view>> values) {
  for (const auto& value : values) add(value);
}

void SideRow::add(std::optional<std::string_view> value) {
  size_t number = value ? value->size() + 1 : 0;
  for (; number >= kMore; number /= kMore) {
    packed_.push_back(static_cast<char>(number % kMore + kMore));
  }
  packed_.push_back(static_cast<char>(number));
  if (value) packed_.append(*value);
}

std::vector<std::optional<std::string_view>> SideRow::values() const {
  std::vector<std::optional<std::string_view>> out;
  for (std::string_view left = packed_; !left.empty();) {
    const size_t number = take_number(&left);
    if (number == 0) {
      out.emplace_back(std::nullopt);
      continue;
    }
    out.emplace_back(left.substr(0, number - 1));
    left.remove_prefix(number - 1);
  }
  return out;
}

int64_t SideRow::memory_bytes() const {
  return kSlack * static_cast<int64_t>(sizeof(SideRow)) + heap_bytes(packed_);
}

int64_t RejectedRow::memory_bytes() const {
  return kSlack * static_cast<int64_t>(sizeof(RejectedRow)) + heap_bytes(key) + heap_bytes(column) +
         heap_bytes(reason);
}

}  // namespace vesto
