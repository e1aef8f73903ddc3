// What AWS says of a role that is there already, for scripts of the kit that tests run.
#ifndef VESTO_TESTS_UNIT_KIT_ROLE_THERE_H_
#define VESTO_TESTS_UNIT_KIT_ROLE_THERE_H_

#include <string>

#include "tests/unit/kit/told.h"

namespace vesto {

// How often our statement stands there, what is loose, what stays without it, what lets us in as
// well, how many the kit may have written, what a person has to look at; how many of the kit's are
// for another.
struct RoleThere {
  std::string ours = "0";
  std::string description = "None";
  std::string statements = "1";
  std::string loose = "[]";
  std::string kept = "[]";
  std::string near = "[]";
  std::string written = "1";
  std::string anothers = "0";
  std::string maybe = "[]";
  std::string longest = "3600";
};

inline std::string answers_of(const RoleThere& role) {
  return "*'length('*'[?@ =='*) echo " + role.ours + " ;;\n*'--query length('*'[?(('*) echo " +
         role.written + " ;;\n*'--query {near:'*) echo '" + role.near +
         "' ;;\n*'--query {maybe:'*) echo '" + role.maybe +
         "' ;;\n*'[?Condition.'* | *'[?Principal.AWS != '* | *'[?!(starts_with('*) echo " +
         role.anothers + " ;;\n*'--query length('*) echo " + role.statements +
         " ;;\n*'--query [to_array('*) cat <<'EOT'\n" + role.kept +
         "\nEOT\n;;\n*'--query to_array('*) cat <<'EOT'\n" + role.loose +
         "\nEOT\n;;\n*Role.Description*) echo '" + role.description +
         "' ;;\n*Role.MaxSession*) echo " + role.longest +
         " ;;\n*update-assume-role-policy*) printf 'PUT%sTUP' \"${8}\" >&2 ;;\n";
}

}  // namespace vesto

#endif  // VESTO_TESTS_UNIT_KIT_ROLE_THERE_H_
