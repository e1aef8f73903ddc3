// Reads one object's rows, checks them and hands them to the sink; keeps the refused ones.
//
// State bounds: an input buffer of the row limit plus 1 MiB, an output batch of 256 KiB plus one
// row, one span for each column, 100 load errors.
// Thread rule: one thread.
#ifndef VESTO_SANDBOX_COPY_FILE_LOADER_H_
#define VESTO_SANDBOX_COPY_FILE_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "sandbox/copy/byte_stream.h"
#include "sandbox/copy/copy_executor.h"
#include "sandbox/copy/field_writer.h"
#include "sandbox/copy/row_scanner.h"

namespace vesto::sandbox {

// What is the same for all files of one COPY.
struct LoadPlan {
  const CopyStatement& statement;
  const CopyContext& context;
  std::vector<ColumnPlan> columns;
  FieldWriter writer;
};

// Refused rows: kept up to 100, counted, and weighed against MAXERROR.
class LoadErrors {
 public:
  LoadErrors(const LoadPlan& plan, CopyOutcome* outcome) : plan_(plan), outcome_(outcome) {}
  // Records the error; fails with "Load into table ... failed" when MAXERROR is reached.
  SqlStatus add(LoadError error);

 private:
  const LoadPlan& plan_;
  CopyOutcome* outcome_;
};

// Rows on their way to the sink.
class RowBatch {
 public:
  RowBatch(CopySink* sink, bool no_load) : sink_(sink), no_load_(no_load) {}
  std::string& text() { return text_; }
  // Sends the batch when it is large enough, or in any case.
  SqlStatus flush(bool force);

 private:
  CopySink* sink_;
  bool no_load_;
  std::string text_;
};

// The bytes of an object in a buffer that always holds whole rows, up to the row limit.
class InputBuffer {
 public:
  InputBuffer(ByteStream* stream, const CopyContext& context);
  [[nodiscard]] const char* begin() const { return buffer_.data() + begin_; }
  [[nodiscard]] const char* end() const { return buffer_.data() + end_; }
  [[nodiscard]] size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool at_end() const { return at_end_; }
  // The row at begin() is longer than the limit.
  [[nodiscard]] bool is_over_limit() const { return end_ - begin_ > row_limit_; }
  void take_to(const char* position) { begin_ = static_cast<size_t>(position - buffer_.data()); }
  // Reads more behind what is there. Pointers into the buffer become invalid.
  SqlStatus fill();

 private:
  ByteStream* stream_;
  size_t row_limit_;
  size_t read_bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
};

class FileLoader {
 public:
  FileLoader(const LoadPlan& plan, RowBatch* batch, LoadErrors* errors, CopyOutcome* outcome);
  // Loads the whole object. Errors: of the stream, of the sink, or the load has failed.
  SqlStatus load(ByteStream* stream, const std::string& url);

 private:
  SqlStatus skip_header(InputBuffer* input);
  // Drops everything up to and including the next line feed.
  SqlStatus skip_line(InputBuffer* input);
  SqlStatus take_row(ScanResult result);
  SqlStatus take_long_row(InputBuffer* input);
  bool write_row(ValueError* error, size_t* bad_column);
  SqlStatus refuse(const ValueError& error, size_t column, std::string_view field);

  const LoadPlan& plan_;
  RowBatch* batch_;
  LoadErrors* errors_;
  CopyOutcome* outcome_;
  std::unique_ptr<RowScanner> scanner_;
  ScannedRow row_;
  std::string scratch_;
  std::string url_;
  int64_t line_ = 1;  // of the row in hand
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_FILE_LOADER_H_
