// How the table of settings is written: one call for each setting, by theme in one file each. For
// config/keys*.cc only.
#ifndef VESTO_CONFIG_KEY_SPECS_H_
#define VESTO_CONFIG_KEY_SPECS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/keys.h"

namespace vesto::key_specs {

using enum KeyType;

inline constexpr std::string_view kFirst = "0.1";

inline KeySpec section(std::string_view path, bool required, std::string_view doc) {
  return {.path = path, .type = kSection, .required = required, .since = kFirst, .doc = doc};
}
inline KeySpec objects(std::string_view path, std::string_view doc) {
  return {.path = path, .type = kObjects, .since = kFirst, .doc = doc};
}
inline KeySpec needed(std::string_view path, KeyType type, std::string_view doc) {
  return {.path = path, .type = type, .required = true, .since = kFirst, .doc = doc};
}
inline KeySpec optional(std::string_view path, KeyType type, std::string_view fallback,
                        std::string_view doc) {
  return {.path = path, .type = type, .fallback = fallback, .since = kFirst, .doc = doc};
}
inline KeySpec integer(std::string_view path, std::string_view fallback, int64_t min, int64_t max,
                       std::string_view doc) {
  return {.path = path,
          .type = kInteger,
          .fallback = fallback,
          .min = min,
          .max = max,
          .since = kFirst,
          .doc = doc};
}
inline KeySpec choice(std::string_view path, std::string_view fallback, std::string_view choices,
                      std::string_view later, std::string_view doc) {
  return {.path = path,
          .type = kChoice,
          .required = fallback.empty(),
          .fallback = fallback,
          .choices = choices,
          .later = later,
          .since = kFirst,
          .doc = doc};
}
// A choice without a default of its own: what is left out is derived, or is another setting's.
inline KeySpec derived(std::string_view path, std::string_view choices, std::string_view doc) {
  return {.path = path, .type = kChoice, .choices = choices, .since = kFirst, .doc = doc};
}
inline KeySpec choice_map(std::string_view path, std::string_view choices, std::string_view doc) {
  return {.path = path, .type = kChoiceMap, .choices = choices, .since = kFirst, .doc = doc};
}
// Off when left out.
inline KeySpec flag(std::string_view path, std::string_view doc) {
  return optional(path, kBoolean, "false", doc);
}
inline KeySpec later(std::string_view path) { return {.path = path, .type = kLater}; }

// Each adds the settings of its theme, in the order in which they are shown.
void add_source(std::vector<KeySpec>* keys);
void add_destination(std::vector<KeySpec>* keys);
void add_sync(std::vector<KeySpec>* keys);

}  // namespace vesto::key_specs

#endif  // VESTO_CONFIG_KEY_SPECS_H_
