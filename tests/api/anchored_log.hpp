#pragma once

#include <utility>
#include <vector>

#include "hub/audit/audit_log.hpp"

namespace rabt::api {

// The audit log of a rig, as if it had these anchors.
class AnchoredLog final : public audit::AuditLog {
 public:
  AnchoredLog(audit::AuditLog& log, std::vector<audit::AnchorState> anchors)
      : log_(log), anchors_(std::move(anchors)) {}
  [[nodiscard]] audit::Prepared prepare(const audit::Entry& entry) const override {
    return log_.prepare(entry);
  }
  [[nodiscard]] Status append(store::Transaction& transaction,
                              const audit::Prepared& entry) override {
    return log_.append(transaction, entry);
  }
  [[nodiscard]] audit::LogState state() const override {
    audit::LogState state = log_.state();
    state.anchors = anchors_;
    return state;
  }
  [[nodiscard]] Status look() override { return log_.look(); }
  [[nodiscard]] Result<audit::Known> known() const override { return log_.known(); }
  void refuse(const Error& defect) override { log_.refuse(defect); }
  [[nodiscard]] store::Store& store() const override { return log_.store(); }

 private:
  audit::AuditLog& log_;
  const std::vector<audit::AnchorState> anchors_;
};

}  // namespace rabt::api
