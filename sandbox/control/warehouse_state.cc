#include "sandbox/control/warehouse_state.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/json_text.h"

namespace vesto::sandbox {

namespace {

struct Kind {
  std::string_view name;    // in the call
  std::string_view status;  // as AWS tells it
  std::string_view availability;
  Door door;
  bool read_only;
  bool serverless;  // workgroups know it too
};

// A cluster under maintenance stays "available" by its status; its availability tells.
constexpr std::array kKinds = {
    Kind{"available", "available", "Available", Door::kOpen, false, true},
    Kind{"paused", "paused", "Unavailable", Door::kRefuse, false, false},
    Kind{"resuming", "resuming", "Unavailable", Door::kRefuse, false, false},
    Kind{"rebooting", "rebooting", "Unavailable", Door::kRefuse, false, false},
    Kind{"creating", "creating", "Modifying", Door::kRefuse, false, true},
    Kind{"deleting", "deleting", "Unavailable", Door::kRefuse, false, true},
    Kind{"modifying", "modifying", "Modifying", Door::kOpen, false, true},
    Kind{"resizing", "resizing", "Modifying", Door::kOpen, true, false},
    Kind{"maintenance", "available", "Maintenance", Door::kRefuse, false, false},
};

constexpr const char* kNoWarehouse = "none";

struct DoorName {
  std::string_view name;
  Door door;
};
constexpr std::array kDoors = {
    DoorName{"open", Door::kOpen},
    DoorName{"refuse", Door::kRefuse},
    DoorName{"silent", Door::kSilent},
    DoorName{"starting", Door::kStarting},
};

const Kind* find_kind(std::string_view name, bool serverless) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) {
    return kind.name == name && (kind.serverless || !serverless);
  });
  return found == kKinds.end() ? nullptr : found;
}

std::string text_of(const nlohmann::json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<int64_t, std::string> duration_of(const nlohmann::json& document, const char* name) {
  const auto found = document.find(name);
  if (found == document.end()) return int64_t{0};
  const bool fits =
      found->is_number_integer() && *found >= 1 && *found <= WarehouseState::kLongestMs;
  if (!fits) return std::string(name) + " is a whole number from 1 to 600000";
  return found->get<int64_t>();
}

Result<int, std::string> disk_used_of(const nlohmann::json& document, bool serverless) {
  const auto found = document.find("disk_used_percent");
  if (found == document.end()) return kUsualDiskUsedPercent;
  if (serverless) return std::string("disk_used_percent is for a cluster: a workgroup has no disk");
  const bool fits = found->is_number_integer() && *found >= 0 && *found <= 100;
  if (!fits) return std::string("disk_used_percent is a whole number from 0 to 100");
  return found->get<int>();
}

Result<Unit, std::string> check_fields(const nlohmann::json& document) {
  constexpr std::array<std::string_view, 5> kFields = {"status", "door", "after_ms",
                                                       "cold_start_ms", "disk_used_percent"};
  if (!document.is_object()) return std::string("an object is expected");
  for (const auto& [name, value] : document.items()) {
    if (std::find(kFields.begin(), kFields.end(), name) == kFields.end()) {
      return "no such field: " + name;
    }
  }
  return Unit{};
}

}  // namespace

Result<Unit, std::string> WarehouseState::set(const std::string& body) {
  const auto document = nlohmann::json::parse(body, nullptr, false);
  VESTO_TRY(check_fields(document));
  const Kind* kind = find_kind(text_of(document, "status"), serverless_);
  if (kind == nullptr) {
    return std::string("status is none that a ") + (serverless_ ? "workgroup" : "cluster") + " has";
  }
  Door door = kind->door;
  if (document.contains("door")) {
    const std::string name = text_of(document, "door");
    const auto* found = std::find_if(kDoors.begin(), kDoors.end(),
                                     [&](const DoorName& each) { return each.name == name; });
    if (found == kDoors.end()) return std::string("door is open, refuse, silent or starting");
    door = found->door;
  }
  VESTO_ASSIGN(const int64_t after_ms, duration_of(document, "after_ms"));
  VESTO_ASSIGN(const int64_t cold_ms, duration_of(document, "cold_start_ms"));
  VESTO_ASSIGN(const int disk_used, disk_used_of(document, serverless_));
  if (cold_ms > 0 && (!serverless_ || door != Door::kOpen)) {
    return std::string("cold_start_ms is for Serverless with an open door: it refuses nobody");
  }
  if (after_ms > 0 && kind == kKinds.data() && door == Door::kOpen) {
    return std::string("after_ms is when a warehouse that is away is available again");
  }
  const Lock lock(mutex_);
  if (view_.status == kNoWarehouse) return std::string("there is no warehouse");
  change({std::string(kind->status), std::string(kind->availability), door, kind->read_only});
  until_ms_ = after_ms > 0 ? system_clock().monotonic_ms() + after_ms : 0;
  cold_start_ms_ = cold_ms;
  disk_used_percent_ = disk_used;
  return Unit{};
}

WarehouseState::View WarehouseState::now() {
  const Lock lock(mutex_);
  if (until_ms_ != 0 && system_clock().monotonic_ms() >= until_ms_) {
    change({"available", "Available", Door::kOpen, false});
  }
  if (clock_ != nullptr && clock_->wall_ms() >= ready_ms_) {
    change({"available", "Available", Door::kOpen, false});
  }
  return view_;
}

void WarehouseState::change(View to) {
  to.version = view_.version + 1;
  view_ = std::move(to);
  until_ms_ = 0;
  clock_ = nullptr;
}

void WarehouseState::be_absent() {
  const Lock lock(mutex_);
  change({kNoWarehouse, "Unavailable", Door::kRefuse, false});
}

void WarehouseState::be_creating(Clock& clock, int64_t ready_ms) {
  const Lock lock(mutex_);
  change({"creating", "Modifying", Door::kRefuse, false});
  clock_ = &clock;
  ready_ms_ = ready_ms;
}

void WarehouseState::be_deleting() {
  const Lock lock(mutex_);
  change({"deleting", "Unavailable", Door::kRefuse, false});
}

int64_t WarehouseState::take_cold_start_ms() {
  const Lock lock(mutex_);
  return std::exchange(cold_start_ms_, 0);
}

int WarehouseState::disk_used_percent() {
  const Lock lock(mutex_);
  return disk_used_percent_;
}

std::string WarehouseState::json() {
  const View view = now();
  const auto* door = std::find_if(kDoors.begin(), kDoors.end(),
                                  [&](const DoorName& each) { return each.door == view.door; });
  return "{\"status\": " + json_quote(view.status) +
         ", \"availability\": " + json_quote(view.availability) +
         ", \"door\": " + json_quote(std::string(door->name)) + "}";
}

}  // namespace vesto::sandbox
