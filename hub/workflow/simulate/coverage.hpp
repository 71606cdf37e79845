#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/workflow/simulate/simulator.hpp"

// Tasks and branches of a definition that simulations have gone through. Pure.
namespace rabt::workflow {

struct Task;

// Item of coverage, for each task: that it was started, and of
//   if          that it was skipped
//   timeout     that it ended the task; on the document, that it ended the workflow
//   switch      each case, and that no case held where every case has a `when`
//   for         that there was no item, that there was one, that `while` ended it
//   fork        with compete: each branch that decided the race, by its end or its error
//   try         that nothing failed; a retry; that an error was not retried or not any more; that
//               an error was caught; where the catch chooses, that it let one pass
struct CoverageItem {
  // A path: consult/eligible. Empty for the document.
  std::string task;
  // `case yes`, `caught`, ... Empty for the task itself.
  std::string branch;
  int line = 0;
  std::uint64_t count = 0;
};

// Confined to its executor.
class Coverage {
 public:
  explicit Coverage(std::shared_ptr<const Definition> definition);
  // Counts what the instances of this definition did.
  void add(const Simulator& simulator);

  // In the order of the file.
  [[nodiscard]] const std::vector<CoverageItem>& items() const { return items_; }
  [[nodiscard]] std::size_t covered() const;
  [[nodiscard]] double percent() const;  // 100 only when every item was covered

 private:
  void note(const Task* task, const std::string& branch);

  std::shared_ptr<const Definition> definition_;
  std::vector<CoverageItem> items_;
  std::map<std::pair<const Task*, std::string>, std::size_t> index_;
};

}  // namespace rabt::workflow
