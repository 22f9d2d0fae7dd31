// Writes small well-formed WSQ files for tests: the 9/7 filters, one Huffman table of 8-bit codes, given
// coefficients.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

namespace matcher::testing {

using Blob = std::vector<std::uint8_t>;

class WsqWriter {
  public:
    static constexpr int kShift = 128;  // grey level of a file without coefficients
    static constexpr int kSymbols = 254;

    int width = 96;
    int height = 80;
    double bin = 0.5;
    int coded_bands = 60;
    Blob comment;

    // `symbols` is the entropy-coded content: each byte the code of symbol byte + 1.
    Blob write(const Blob& symbols) const {
        Blob file{0xFF, 0xA0};
        if (!comment.empty()) segment(file, 0xA8, comment);
        segment(file, 0xA4, transform());
        segment(file, 0xA5, quantisation());
        segment(file, 0xA2, frame());
        segment(file, 0xA6, huffman());
        segment(file, 0xA3, {0});
        for (const std::uint8_t code : symbols) {
            file.push_back(code);
            if (code == 0xFF) file.push_back(0);
        }
        file.push_back(0xFF);
        file.push_back(0xA1);
        return file;
    }

    // Zeros for every coefficient of the frame, in runs of at most 100.
    Blob zeros() const {
        Blob symbols;
        for (int left = width * height - high_corner(); left > 0; left -= 100) {
            symbols.push_back(static_cast<std::uint8_t>((left < 100 ? left : 100) - 1));
        }
        return symbols;
    }

    // Pixels of the quarter that is never coded.
    int high_corner() const { return (width / 2) * (height / 2); }

  private:
    static void u16(Blob& out, int value) {
        out.push_back(static_cast<std::uint8_t>(value >> 8));
        out.push_back(static_cast<std::uint8_t>(value & 0xFF));
    }
    static void scaled(Blob& out, double value, int decimals) {
        out.push_back(static_cast<std::uint8_t>(decimals));
        u16(out, static_cast<int>(std::lround(value * std::pow(10.0, decimals))));
    }
    static void segment(Blob& file, int marker, const Blob& content) {
        file.push_back(0xFF);
        file.push_back(static_cast<std::uint8_t>(marker));
        u16(file, static_cast<int>(content.size()) + 2);
        file.insert(file.end(), content.begin(), content.end());
    }
    static Blob transform() {
        Blob out{9, 7};
        for (const double tap :
             {0.852698679009, 0.377402855613, -0.110624404418, -0.023849465020, 0.037828455507,
              0.788485616406, -0.418092273222, -0.040689417609, 0.064538882629}) {
            out.push_back(tap < 0 ? 1 : 0);
            out.push_back(9);
            const auto digits = static_cast<std::uint32_t>(std::llround(std::abs(tap) * 1e9));
            u16(out, static_cast<int>(digits >> 16));
            u16(out, static_cast<int>(digits & 0xFFFF));
        }
        return out;
    }
    Blob quantisation() const {
        Blob out;
        scaled(out, 0.44, 2);
        for (int band = 0; band < 64; ++band) {
            scaled(out, band < coded_bands ? bin : 0.0, 3);
            scaled(out, band < coded_bands ? 1.2 * bin : 0.0, 3);
        }
        return out;
    }
    Blob frame() const {
        Blob out{0, 255};
        u16(out, height);
        u16(out, width);
        scaled(out, kShift, 0);
        scaled(out, 1.0, 0);
        out.insert(out.end(), {1, 0, 0});
        return out;
    }
    static Blob huffman() {
        Blob out{0};
        for (int length = 1; length <= 16; ++length) out.push_back(length == 8 ? kSymbols : 0);
        for (int symbol = 1; symbol <= kSymbols; ++symbol) out.push_back(static_cast<std::uint8_t>(symbol));
        return out;
    }
};

}  // namespace matcher::testing
