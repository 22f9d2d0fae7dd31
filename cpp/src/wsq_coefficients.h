// Where decoded WSQ coefficients go: subband by subband, dequantised on the way.
#pragma once
#include <cstddef>
#include <vector>

#include "wsq_tree.h"

namespace matcher::wsq {

// Takes quantised coefficients in coding order and writes their values into an image-sized array.
class CoefficientSink {
  public:
    // `values` (height x width, zeros) must outlive the sink.
    CoefficientSink(const Tree& tree, const Quantiser& quantiser, int width, std::vector<float>& values);

    // Throws WsqError where more come than the subbands hold.
    void push(int coefficient);
    void skip_zeros(int count);

    bool full() const { return band_ == tree_.subbands.size(); }

  private:
    void advance(std::size_t count);
    void enter_band();
    [[noreturn]] static void too_many();

    const Tree& tree_;
    const Quantiser& quantiser_;
    std::size_t stride_;
    std::vector<float>& values_;
    std::size_t band_ = 0;
    // Of the current band: its size, and how far it is filled.
    std::size_t columns_ = 0;
    std::size_t rows_ = 0;
    std::size_t column_ = 0;
    std::size_t row_ = 0;
};

}  // namespace matcher::wsq
