#include <algorithm>
#include <map>

#include "hub/workflow/lint/task_tree.hpp"
#include "hub/workflow/parse/parser.hpp"

// `export.as` replaces $context: an export that leaves $context out loses the keys of the exports
// before it. It is reported when a later task reads such a key.
namespace rabt::workflow {

namespace {

// Order of tasks: which work can follow which other work.
class Order {
 public:
  explicit Order(const TaskTree& tree) {
    const auto note = [this](const TaskSequence& list) {
      const auto next = list.successors();
      std::vector<std::vector<bool>> reach(list.tasks.size(),
                                           std::vector<bool>(list.tasks.size(), false));
      for (std::size_t from = 0; from < next.size(); ++from) {
        std::vector<std::size_t> open = next[from];
        while (!open.empty()) {
          const std::size_t to = open.back();
          open.pop_back();
          if (reach[from][to]) continue;
          reach[from][to] = true;
          open.insert(open.end(), next[to].begin(), next[to].end());
        }
      }
      reach_.emplace(&list, std::move(reach));
    };
    note(tree.body());
    for (const auto& function : tree.functions()) note(*function);
    tree.each([&](const TaskPlace& task) {
      for (const auto& list : task.lists) note(*list);
    });
  }

  // before and after are chains of tasks from the outermost to the one itself.
  [[nodiscard]] bool follows(const std::vector<const TaskPlace*>& before,
                             const std::vector<const TaskPlace*>& after) const {
    std::size_t common = 0;
    while (common < before.size() && common < after.size() && before[common] == after[common])
      ++common;
    // One of them is the other's parent: its export comes after what is inside, its other
    // expressions come before.
    if (common == after.size()) return common < before.size();
    if (common == before.size()) return false;
    const TaskPlace& first = *before[common];
    const TaskPlace& second = *after[common];
    if (first.list != second.list) return first.list->role == "try" && second.list->role == "catch";
    return reach_.at(first.list)[first.position][second.position];
  }

 private:
  std::map<const TaskSequence*, std::vector<std::vector<bool>>> reach_;
};

}  // namespace

void Parser::check_replaced_context(const TaskTree& tree) {
  if (exports_.size() < 2 && reads_.empty()) return;
  // Chains by the node of the task's body, which the parser noted with exports and reads.
  std::map<const YamlNode*, std::vector<const TaskPlace*>> chains;
  tree.each([&](const TaskPlace& task) {
    std::vector<const TaskPlace*> chain;
    if (task.list->parent != nullptr) chain = chains[task.list->parent->entry->value.get()];
    chain.push_back(&task);
    chains[task.entry->value.get()] = std::move(chain);
  });
  const Order order(tree);
  const auto chain_of = [&](const YamlNode* task) -> const std::vector<const TaskPlace*>* {
    const auto found = chains.find(task);
    return found == chains.end() ? nullptr : &found->second;
  };
  const auto in_function = [](const std::vector<const TaskPlace*>& chain) {
    return chain.front()->list->role == "function";
  };
  for (const Export& dropping : exports_) {
    if (dropping.shape.keeps_context || !dropping.shape.known) continue;
    const auto* here = chain_of(dropping.task);
    if (here == nullptr || in_function(*here)) continue;
    std::vector<std::string> lost;
    int read_line = 0;
    for (const Export& earlier : exports_) {
      if (&earlier == &dropping || !earlier.shape.known) continue;
      const auto* before = chain_of(earlier.task);
      if (before == nullptr || in_function(*before) || !order.follows(*before, *here)) continue;
      for (const std::string& key : earlier.shape.keys) {
        if (dropping.shape.keys.contains(key)) continue;
        if (std::find(lost.begin(), lost.end(), key) != lost.end()) continue;
        for (const Read& read : reads_) {
          if (read.key != key) continue;
          // The workflow's output is read when every task is over.
          const auto* reader = chain_of(read.task);
          if (reader != nullptr && (in_function(*reader) || !order.follows(*here, *reader)))
            continue;
          const bool around = reader != nullptr && reader->size() < here->size() &&
                              reader->back() == (*here)[reader->size() - 1];
          if (around && !read.late) continue;
          const bool again =
              std::any_of(exports_.begin(), exports_.end(), [&](const Export& other) {
                const auto* writer = chain_of(other.task);
                return &other != &dropping && writer != nullptr && other.shape.keys.contains(key) &&
                       order.follows(*here, *writer) &&
                       (reader == nullptr || order.follows(*writer, *reader));
              });
          if (again) continue;
          lost.push_back(key);
          if (read_line == 0) read_line = read.line;
          break;
        }
      }
    }
    if (lost.empty()) continue;
    std::string keys;
    for (const std::string& key : lost)
      keys += (keys.empty() ? "`$context." : ", `$context.") + key + "`";
    warning(dropping.as->line, dropping.as->column, "workflow.replaced_context",
            "`export.as` replaces the context, so " + keys + (lost.size() == 1 ? " is" : " are") +
                " gone when line " + std::to_string(read_line) + " reads it",
            "write ${ $context + {...} }");
  }
}

}  // namespace rabt::workflow
