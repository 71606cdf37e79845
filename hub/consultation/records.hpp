#pragma once

#include "hub/consultation/ask.hpp"

// What is written in a session: messages, documents, notes, vital signs, prescriptions, transcript,
// feedback, follow-ups, quality of the line. All of it is sealed with the session's key, and none
// of it changes after the session has ended, but for what docs/consultation.md names.
namespace rabt::consultation {

// Lists are {items: [...]}, oldest first. Internally synchronised; every act blocks for one commit.
class Records {
 public:
  virtual ~Records() = default;

  virtual Answer messages(const Ask& ask) = 0;
  virtual Answer send_message(const Ask& ask) = 0;
  virtual Answer documents(const Ask& ask) = 0;
  // {documentType, title?, contentType, data: base64}
  virtual Answer share_document(const Ask& ask) = 0;
  // record: the document, here and in the next one.
  virtual Answer document(const Ask& ask) = 0;
  struct Content {
    std::string content_type;
    std::string bytes;
  };
  virtual Result<Content> document_content(const Ask& ask) = 0;

  virtual Answer notes(const Ask& ask) = 0;
  virtual Answer write_note(const Ask& ask) = 0;
  // record: the note, here and in the next one.
  virtual Answer change_note(const Ask& ask) = 0;
  virtual Answer add_addendum(const Ask& ask) = 0;
  virtual Answer vitals(const Ask& ask) = 0;
  virtual Answer record_vitals(const Ask& ask) = 0;
  virtual Answer prescriptions(const Ask& ask) = 0;
  virtual Answer prescribe(const Ask& ask) = 0;
  // record: the prescription, here and in the next one.
  virtual Answer prescription(const Ask& ask) = 0;
  virtual Answer cancel_prescription(const Ask& ask) = 0;
  virtual Answer transcript(const Ask& ask) = 0;
  virtual Answer add_segment(const Ask& ask) = 0;
  virtual Answer feedback(const Ask& ask) = 0;
  virtual Answer give_feedback(const Ask& ask) = 0;
  virtual Answer follow_ups(const Ask& ask) = 0;
  virtual Answer plan_follow_up(const Ask& ask) = 0;

  virtual Answer quality(const Ask& ask) = 0;
  virtual Answer report_quality(const Ask& ask) = 0;
  virtual Answer set_quality_level(const Ask& ask) = 0;
};

}  // namespace rabt::consultation
