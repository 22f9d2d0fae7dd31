// The WSQ decoder on well-formed files, on every cut of one, and on thousands of damaged ones.
#include <algorithm>
#include <optional>
#include <random>

#include "check.h"
#include "matcher/wsq.h"
#include "wsq_writer.h"

namespace {

using matcher::testing::Blob;
using matcher::testing::WsqWriter;
using matcher::wsq::Fault;
using matcher::wsq::WsqError;

// What decoding throws; nothing else may come out.
std::optional<Fault> fault_of(const Blob& file) {
    // A copy of exactly the file's size: the sanitizer sees a read one byte behind it.
    const Blob exact(file.begin(), file.end());
    try {
        const auto header = matcher::wsq::read_header(exact.data(), exact.size());
        const auto pixels = matcher::wsq::decode(exact.data(), exact.size());
        CHECK(pixels.size() ==
              static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.height));
        return std::nullopt;
    } catch (const WsqError& error) {
        return error.fault();
    }
}

// A file with a random coefficient in about every tenth place.
Blob busy_file(std::mt19937& random, const WsqWriter& writer) {
    Blob symbols;
    const int total = writer.width * writer.height - writer.high_corner();
    for (int left = total; left > 0;) {
        const int run = std::min(left, 1 + static_cast<int>(random() % 20));
        symbols.push_back(static_cast<std::uint8_t>(run - 1));
        left -= run;
        if (left > 0) {
            symbols.push_back(static_cast<std::uint8_t>(106 + random() % 148));
            --left;
        }
    }
    return writer.write(symbols);
}

std::size_t find(const Blob& file, int marker) {
    for (std::size_t at = 0; at + 1 < file.size(); ++at) {
        if (file[at] == 0xFF && file[at + 1] == marker) return at;
    }
    return file.size();
}

}  // namespace

TEST(wsq_without_coefficients_is_flat) {
    for (const int side : {1, 2, 3, 5, 17, 64, 97}) {
        WsqWriter writer;
        writer.width = side;
        writer.height = 101 - side;
        for (const int bands : {0, 60}) {
            writer.coded_bands = bands;
            const Blob file = writer.write(bands == 0 ? Blob{} : writer.zeros());
            const auto pixels = matcher::wsq::decode(file.data(), file.size());
            CHECK(pixels.size() == static_cast<std::size_t>(side * (101 - side)));
            CHECK(std::all_of(pixels.begin(), pixels.end(), [](int p) { return p == WsqWriter::kShift; }));
        }
    }
}

TEST(wsq_reads_the_resolution_of_a_nist_comment) {
    WsqWriter writer;
    const std::string text = "NIST_COM 3\nPIX_WIDTH 96\nPPI 1000\nLOSSY 1\n";
    writer.comment.assign(text.begin(), text.end());
    const Blob file = writer.write(writer.zeros());
    const auto header = matcher::wsq::read_header(file.data(), file.size());
    CHECK(header.width == 96 && header.height == 80 && header.ppi == 1000.0);
    writer.comment.clear();
    const Blob silent = writer.write(writer.zeros());
    CHECK(matcher::wsq::read_header(silent.data(), silent.size()).ppi == 0.0);
}

TEST(wsq_cut_anywhere_is_truncated_or_corrupt) {
    std::mt19937 random(1);
    const WsqWriter writer;
    const Blob whole = busy_file(random, writer);
    CHECK(!fault_of(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto fault = fault_of(Blob(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
        CHECK(fault == Fault::kTruncated);
    }
}

TEST(wsq_with_missing_or_surplus_coefficients_is_corrupt) {
    const WsqWriter writer;
    Blob symbols = writer.zeros();
    symbols.pop_back();
    CHECK(fault_of(writer.write(symbols)) == Fault::kCorrupt);
    symbols = writer.zeros();
    symbols.back() = 99;
    CHECK(fault_of(writer.write(symbols)) == Fault::kCorrupt);
}

TEST(wsq_damaged_tables_are_corrupt) {
    const WsqWriter writer;
    const Blob good = writer.write(writer.zeros());
    CHECK(!fault_of(good));

    Blob bad = good;  // a filter tap: the bank no longer rebuilds
    bad[find(bad, 0xA4) + 9] ^= 0x40;
    CHECK(fault_of(bad) == Fault::kCorrupt);

    bad = good;  // an even and an odd filter
    bad[find(bad, 0xA4) + 4] = 8;
    CHECK(fault_of(bad) == Fault::kCorrupt);

    bad = good;  // 255 codes of one bit
    bad[find(bad, 0xA6) + 5] = 255;
    CHECK(fault_of(bad) == Fault::kCorrupt);

    bad = good;  // a Huffman table that is not there
    bad[find(bad, 0xA3) + 4] = 5;
    CHECK(fault_of(bad) == Fault::kCorrupt);

    bad = good;  // a marker of no meaning
    bad[find(bad, 0xA5) + 1] = 0xAF;
    CHECK(fault_of(bad) == Fault::kCorrupt);
}

TEST(wsq_refuses_a_frame_beyond_the_bound) {
    WsqWriter writer;
    writer.width = writer.height = 65535;
    writer.coded_bands = 0;
    CHECK(fault_of(writer.write({})) == Fault::kTooLarge);
}

TEST(wsq_survives_damage) {
    constexpr int kFiles = 6;
    constexpr int kDamagesPerFile = 1500;
    std::mt19937 random(20240);
    int decoded = 0;
    int refused = 0;
    for (int i = 0; i < kFiles; ++i) {
        WsqWriter writer;
        writer.width = 20 + static_cast<int>(random() % 60);
        writer.height = 20 + static_cast<int>(random() % 60);
        const Blob whole = busy_file(random, writer);
        const std::size_t tables = find(whole, 0xA3);
        for (int j = 0; j < kDamagesPerFile; ++j) {
            Blob file = whole;
            // Half of the damage falls on the headers, which are a small part of the bytes.
            const std::size_t range = random() % 2 == 0 ? tables : file.size();
            const int kind = static_cast<int>(random() % 5);
            const std::size_t at = random() % (range - 1);
            if (kind == 0) file[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
            if (kind == 1) file[at] = static_cast<std::uint8_t>(random());
            if (kind == 2) file[at] = file[at + 1] = random() % 2 == 0 ? 0xFF : 0x00;
            if (kind == 3) file.erase(file.begin() + static_cast<std::ptrdiff_t>(at));
            if (kind == 4) {
                const std::size_t from = random() % whole.size();
                const std::size_t count = std::min(random() % 64, whole.size() - from);
                file.insert(file.begin() + static_cast<std::ptrdiff_t>(at),
                            whole.begin() + static_cast<std::ptrdiff_t>(from),
                            whole.begin() + static_cast<std::ptrdiff_t>(from + count));
            }
            (fault_of(file) ? refused : decoded) += 1;
        }
    }
    // Both outcomes must occur, or the damage tests nothing.
    CHECK(decoded > 100 && refused > 100);
}
